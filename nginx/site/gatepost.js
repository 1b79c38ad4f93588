// gatepost.onAccess(cb): cb(access) now and on every change; null: no pass.
// access.confirming: a payment was seen, and the shop is asked about it.
// <script src="/gatepost.js"> or import '/gatepost.js'. See gatepost(7).
(() => {
	'use strict';
	const script = document.currentScript, calls = new Set();
	const tabs = self.BroadcastChannel && new BroadcastChannel('gatepost');
	let known, text, source, timer, late, opened, delay = 3000, turn = 0;
	let bad = 0, noStream = 0; // failed streams; none until then

	const gatepost = self.gatepost = {
		url: script?.dataset.gatepost ||
			new URL(script?.src || location).origin,
		onAccess(cb) {
			const call = (x) => {
				try { cb(x); } catch (e) { setTimeout(() => { throw e; }); }
			};
			calls.add(call);
			if (known !== undefined)
				call(known);
			if (calls.size === 1)
				ask();
			return () => calls.delete(call) && (calls.size || stop());
		},
		check() { // another pass, maybe: all open pages ask
			hurry();
			tabs?.postMessage(1);
		},
	};

	function stop() {
		turn++;
		clearTimeout(timer);
		source?.close();
		source = null;
	}

	function later() {
		stop();
		timer = setTimeout(ask, delay * (0.75 + Math.random() / 2));
		delay = Math.min(delay * 1.5, 30000);
	}

	function tell(access) {
		if (text === (text = JSON.stringify(access)))
			return;
		known = access;
		clearTimeout(late);
		hint(Boolean(access));
		if (access && access.tier === null)
			late = setTimeout(hint, 60000, false);
		calls.forEach((call) => call(access));
	}

	// elements that lead to /me: a minute after Buy, if nothing came
	function hint(isHidden) {
		for (const e of document.querySelectorAll('[data-gatepost-me]'))
			e.hidden = isHidden;
	}

	const live = () => gatepost.url.replace(/\/+$/, '') + '/live';

	async function ask() {
		stop();
		if (!calls.size)
			return;
		const mine = turn;
		timer = setTimeout(later, 10000); // no answer
		try {
			// quiet: 204, since the console calls a 401 an error
			const r = await fetch(live() + '?quiet',
				{ credentials: 'include', cache: 'no-store' });
			const access = r.status === 200 ? await r.json() : null;
			if (mine === turn && [200, 204, 401].includes(r.status))
				tell(access);
			if (mine === turn && access && self.EventSource &&
				!document.hidden && Date.now() > noStream)
				return stream();
		} catch (e) { /* not reached: again */ }
		if (mine === turn)
			later();
	}

	function stream() {
		stop();
		opened = Date.now();
		source = new EventSource(live(), { withCredentials: true });
		source.addEventListener('access', (e) => {
			clearTimeout(timer);
			delay = 1000;
			tell(JSON.parse(e.data));
		});
		source.onerror = end;
		timer = setTimeout(end, 5000); // swallowed on the way
	}

	function end() {
		bad = Date.now() - opened > 9000 ? 0 : Math.min(bad + 1, 8);
		noStream = bad && Date.now() + 2000 * 2 ** bad;
		later();
	}

	function hurry() { // now, and soon again
		delay = 400;
		ask();
	}

	if (tabs)
		tabs.onmessage = hurry;
	addEventListener('online', hurry);
	document.addEventListener('visibilitychange', () => {
		if (!document.hidden)
			return hurry();
		if (source) { // a browser has few connections to a site
			clearTimeout(timer);
			timer = setTimeout(later, 20000);
		}
	});
	document.addEventListener('click', (e) => {
		if (e.target.closest?.('a[href*="/buy/"]'))
			gatepost.check(); // a pass comes
	});
})();
