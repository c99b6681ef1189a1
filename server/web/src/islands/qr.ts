// Reads a label with the camera where the browser can by itself; everywhere else the number is typed.
import { say } from "../dom";

interface Found { rawValue: string }
interface Detector { detect(source: HTMLVideoElement): Promise<Found[]> }
interface DetectorMaker { new (options: { formats: string[] }): Detector; getSupportedFormats(): Promise<string[]> }

const LOOK_MS = 150;

for (const button of document.querySelectorAll<HTMLButtonElement>("[data-scan]")) void offer(button);

async function offer(button: HTMLButtonElement): Promise<void> {
  const maker = (window as unknown as { BarcodeDetector?: DetectorMaker }).BarcodeDetector;
  const field = document.getElementById(button.dataset.scan ?? "");
  if (!maker || !("mediaDevices" in navigator) || !(field instanceof HTMLInputElement)) return;
  const able = await maker.getSupportedFormats().catch((): string[] => []);
  const formats = (button.dataset.formats ?? "").split(" ").filter((format) => able.includes(format));
  if (!formats.length) return;
  button.hidden = false;
  button.addEventListener("click", () => void scan(button, field, new maker({ formats })));
}

async function scan(button: HTMLButtonElement, field: HTMLInputElement, detector: Detector): Promise<void> {
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    say(button.dataset.denied ?? "");
    field.focus();
    return;
  }
  const sheet = document.createElement("dialog");
  sheet.className = "sheet scanner";
  sheet.setAttribute("aria-label", button.dataset.title ?? "");
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.srcObject = stream;
  const title = document.createElement("h2");
  title.textContent = button.dataset.title ?? "";
  const close = document.createElement("button");
  close.type = "button";
  close.className = "act wide";
  close.textContent = button.dataset.close ?? "";
  close.addEventListener("click", () => sheet.close());
  sheet.append(title, video, close);
  document.body.append(sheet);
  sheet.addEventListener("close", () => {
    for (const track of stream.getTracks()) track.stop();
    sheet.remove();
    button.focus();
  });
  sheet.showModal();
  await video.play().catch(() => undefined);
  const text = await look(video, detector, () => sheet.open);
  if (text === null) return;
  sheet.close();
  field.value = text;
  field.form?.requestSubmit();
}

async function look(video: HTMLVideoElement, detector: Detector, goes: () => boolean): Promise<string | null> {
  while (goes()) {
    const found = await detector.detect(video).catch((): Found[] => []);
    const text = found[0]?.rawValue.trim();
    if (text && goes()) return text;
    await new Promise((done) => window.setTimeout(done, LOOK_MS));
  }
  return null;
}
