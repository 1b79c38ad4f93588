// The page after checkout: it waits for the access and says when it is there.
// thanks.html?next=/path names the page to go on to; with &paid the visitor has
// been at the checkout.
'use strict';

const by = (id) => document.getElementById(id);
const LATE = 60000; // ms
const UNCONFIRMED = 60000; // ms, where the shop is asked within 15 s
const asked = new URLSearchParams(location.search);

// A path of this site, or '/'. Browsers read \ as / and drop tabs and line
// ends (URL, 4.4), so //host has many spellings; /.//host is another one.
function local(path) {
	if (!/^\/(?![/\\])[^\\\0- \x7f]*$/.test(path))
		return '/';
	const url = new URL(path, location.origin);
	return url.origin === location.origin ? url.href : '/';
}

function show(access) {
	const best = access.grants.find((g) => g.tier === access.tier);
	by('tier').textContent = access.tier;
	by('what').textContent = best && best.variant ? ', ' + best.variant : '';
	by('next').href = local(asked.get('next') || '/');
}

let isLate = false, isConfirming = false, isUnknown = false, timer;

function say() {
	by('wait').textContent = isConfirming ?
		'Payment seen, being confirmed…' : asked.has('paid') && !isLate ?
			'Payment seen, unlocking…' : 'Waiting for the payment…';
	by('confirming').hidden = !isConfirming || isUnknown;
	by('unknown').hidden = !isUnknown;
	by('late').hidden = !isLate || isConfirming || isUnknown;
}

function setUnknown() {
	isUnknown = true;
	say();
}

// A payment that is confirmed opens the page; one that is none any more, or
// is not for a while, gets an answer.
function confirm(is) {
	if (is === isConfirming)
		return;
	isConfirming = is;
	isUnknown = !is;
	clearTimeout(timer);
	if (is)
		timer = setTimeout(setUnknown, UNCONFIRMED);
}

gatepost.onAccess((access) => {
	const isOpen = Boolean(access && access.tier !== null);
	confirm(Boolean(access && access.confirming));
	say();
	by('waiting').hidden = isOpen || access === null;
	by('elsewhere').hidden = access !== null;
	by('open').hidden = !isOpen;
	if (isOpen)
		show(access);
});

setTimeout(() => {
	isLate = true;
	say();
}, LATE);
