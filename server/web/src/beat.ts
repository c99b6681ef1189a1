// What a page makes of the server's beats, one every 2 s: it says within 5 s that they stopped.
export const SILENCE_MS = 4000; // one that comes late is no silence
export const LOOK_MS = 500;
// A link that is silent but not closed may come back; after this long it is left for a new one.
export const GIVE_UP_MS = 10_000;
