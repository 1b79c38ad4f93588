// The page behind the counter, kept up to date: each part with data-live is
// taken from the page as it is now, unless somebody is at work in it.
'use strict';

const EVERY = 1000; // ms

function renew(other) {
	const part = document.getElementById(other.id);
	const list = document.getElementById(other.parentNode.id);
	if (!part)
		return list?.prepend(other);
	if (part.contains(document.activeElement) ||
		part.querySelector('details[open]'))
		return;
	if (other.innerHTML !== part.innerHTML)
		part.replaceWith(other);
}

async function look() {
	const r = await fetch('counter', { cache: 'no-store' });
	const now = new DOMParser().parseFromString(await r.text(), 'text/html');
	[...now.querySelectorAll('[data-live]')].reverse().forEach(renew);
}

async function go() {
	if (!document.hidden)
		await look().catch(() => {}); // the shop is away: again
	setTimeout(go, EVERY);
}

go();
