// The page after checkout: it waits for the access and says when it is there.
// thanks.html?next=/path names the page to go on to; with &paid the visitor has
// been at the checkout.
'use strict';

const by = (id) => document.getElementById(id);
const LATE = 60000; // ms
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

let isLate = false;

gatepost.onAccess((access) => {
	const isOpen = Boolean(access && access.tier !== null);
	by('wait').textContent = asked.has('paid') && !isLate ?
		'Payment seen, unlocking…' : 'Waiting for the payment…';
	by('waiting').hidden = isOpen || access === null;
	by('elsewhere').hidden = access !== null;
	by('open').hidden = !isOpen;
	if (isOpen)
		show(access);
});

setTimeout(() => {
	isLate = true;
	by('wait').textContent = 'Waiting for the payment…';
	by('late').hidden = false;
}, LATE);
