// A sale as Gumroad posts it, without Gumroad. /demo/token.json, which
// nginx/serve writes, has the password of this install's hook.
'use strict';

let title = 'Ink and Tide';
let variant = 'Letters & "Brushes"';

function randomId() {
	const bytes = crypto.getRandomValues(new Uint8Array(16));
	return btoa(String.fromCharCode(...bytes));
}

function sale(user) {
	return new URLSearchParams([
		['seller_id', 'GatepostDemoSeller0000=='],
		['product_id', 'GatepostDemoProduct000=='],
		['product_name', title],
		['permalink', 'gatepost-demo'],
		['product_permalink', 'https://example.com/l/gatepost-demo'],
		['email', 'demo@example.com'],
		['price', '900'],
		['currency', 'usd'],
		['quantity', '1'],
		['sale_id', randomId()],
		['sale_timestamp', new Date().toISOString()],
		['subscription_id', randomId()],
		['variants[Tier]', variant],
		['url_params[user_id]', user],
		['test', 'true'],
		['recurrence', 'monthly'],
		['refunded', 'false'],
		['resource_name', 'sale'],
		['disputed', 'false'],
		['dispute_won', 'false'],
	]);
}

// What is sold may have another name there.
async function setting() {
	const r = await fetch('/demo/token.json');
	const { token, names } = await r.json();
	[title, variant] = names || [title, variant];
	document.getElementById('title').textContent = title;
	return token;
}

async function post(user) {
	const token = await setting();
	const r = await fetch('/hooks/gumroad', {
		method: 'POST',
		headers: { Authorization: 'Basic ' + btoa('gatepost:' + token) },
		body: sale(user),
	});
	return r.ok ? (await r.json()).status : null;
}

async function pay() {
	const step = document.getElementById('step');
	const user = new URLSearchParams(location.search).get('user_id');
	step.classList.remove('wait');
	if (!user) {
		step.textContent = 'Come here by the Buy button: it says who buys.';
		return;
	}
	const said = await post(user).catch(() => null);
	step.textContent = said ? 'Paid. Gatepost was told, and said: ' + said +
		'.' : 'Gatepost did not take it.';
	document.getElementById('done').hidden = !said;
}

setting().catch(() => {});
setTimeout(pay, 1000);
