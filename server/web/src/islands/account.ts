// The island of sign-in and account security: passkeys. Without it, or without WebAuthn, their buttons do nothing or hide.
import { say } from "../dom";

interface Begun { step: string; options: PublicKeyCredentialCreationOptionsJSON & PublicKeyCredentialRequestOptionsJSON }

const able = typeof PublicKeyCredential === "function" && "parseRequestOptionsFromJSON" in PublicKeyCredential;

for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-passkey]")) {
  button.hidden = !able;
  button.addEventListener("click", () => { void use(button); });
}

async function use(button: HTMLButtonElement): Promise<void> {
  const where = button.dataset.passkey ?? "";
  const form = button.form;
  if (!form) return;
  const isNew = form.id === "new-passkey";
  if (isNew && !form.reportValidity()) return;
  button.disabled = true;
  try {
    const begun = await post(`${where}/options`, new FormData(form)) as unknown as Begun;
    const made = isNew
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(begun.options) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(begun.options) });
    const answer = new FormData(form);
    answer.delete("password");
    answer.set("step", begun.step);
    answer.set("credential", JSON.stringify(made));
    const next = button.dataset.next ? `?next=${encodeURIComponent(button.dataset.next)}` : "";
    window.location.assign((await post(where + next, answer)).to ?? "/");
  } catch {
    say(button.dataset.failed ?? "");
    button.disabled = false;
  }
}

async function post(where: string, body: FormData): Promise<Record<string, string>> {
  const sent = new URLSearchParams();
  for (const [name, value] of body) if (typeof value === "string" && name !== "password") sent.set(name, value);
  const answer = await fetch(where, { method: "POST", body: sent, headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return await answer.json() as Record<string, string>;
}
