// The page after checkout: it waits for the access and says when it is there.
// thanks.html?next=/path names the page to go on to.
'use strict';

const by = (id) => document.getElementById(id);
const LATE = 60000; // ms

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
	by('next').href = local(
		new URLSearchParams(location.search).get('next') || '/');
	by('waiting').hidden = true;
	by('open').hidden = false;
}

gatepost.onAccess((access) => {
	by('elsewhere').hidden = access !== null;
	if (access && access.tier !== null)
		show(access);
});

setTimeout(() => {
	by('wait').textContent = 'Waiting for the payment…';
	by('late').hidden = false;
}, LATE);
