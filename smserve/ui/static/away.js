// A page of a server that is away: it comes back when the server does.

const EVERY_MS = 2000;

async function look() {
  const answer = await fetch(location.href).catch(() => null);
  if (answer?.ok) location.reload();
  else setTimeout(look, EVERY_MS);
}

setTimeout(look, EVERY_MS);
