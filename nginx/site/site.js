// The demo's pages: what is locked and what is open, and the shop beside them.
'use strict';

const all = (selector) => document.querySelectorAll(selector);
const panel = document.querySelector('[data-panel]');
let isOpen = false;

// A delivery's texts are somebody's typing: textContent, never markup.
function write(selector, text) {
	all(selector).forEach((e) => { e.textContent = text; });
}

function show(access) {
	const best = access.grants.find((g) => g.tier === access.tier);
	write('[data-tier]', access.tier);
	write('[data-what]', best ? best.variant || best.product : access.tier);
	all('[data-locked]').forEach((e) => { e.hidden = true; });
	all('[data-open]').forEach((e) => { e.hidden = false; });
}

function lock() {
	all('[data-open]').forEach((e) => { e.hidden = true; });
	all('[data-locked]').forEach((e) => { e.hidden = false; });
	all('[data-text]').forEach((e) => { e.replaceChildren(); });
}

// What is only for members is not in the page: the gate lets it out or not.
async function read(place) {
	const r = await fetch(place.dataset.text, { cache: 'no-store' });
	if (!r.ok || !isOpen)
		return;
	const parts = (await r.text()).trim().split(/\n\n+/);
	place.replaceChildren(...parts.map((part) => {
		const p = document.createElement('p');
		p.textContent = part;
		return p;
	}));
}

gatepost.onAccess((access) => {
	isOpen = Boolean(access && access.allows.includes('letter'));
	if (!isOpen)
		return lock();
	show(access);
	all('[data-text]').forEach(read);
	if (panel)
		setTimeout(() => { panel.hidden = true; }, 3000);
});

// The pass is gone, which no script can see: the other open pages lock too.
if (location.hash === '#again')
	gatepost.check();

// Buy opens the shop beside the page, which stays as it is.
all('a[target=shop]').forEach((a) => {
	a.addEventListener('click', () => {
		panel.hidden = false;
		if (matchMedia('(max-width: 50rem)').matches)
			a.closest('.card').scrollIntoView({ block: 'end' });
	});
});
if (panel)
	panel.querySelector('button').addEventListener('click', () => {
		panel.hidden = true;
		document.querySelector('a[target=shop]').focus();
	});
