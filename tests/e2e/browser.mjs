// The demo site in Chromium: see t_browser.py, which gives the order on stdin
// and prints the results, one line of JSON each.
import { execFileSync } from 'node:child_process'
import http from 'node:http'
import { createRequire } from 'node:module'

let text = ''
for await (const piece of process.stdin) text += piece
const order = JSON.parse(text)
const { chromium } = createRequire(order.modules + '/x.js')('playwright-core')
const url = order.url
const OPEN = '[data-open]:not([hidden])'
const LOCKED = '[data-locked]:not([hidden])'
const AT_ONCE = 1000 // ms, what the manual promises
const POLLED = 45000 // ms, in which gatepost.js has asked
const ASKED = 75000 // ms, in which Gatepost has asked the shop by itself
const [TITLE, VARIANT] = order.names

const say = (line) => console.log(JSON.stringify(line))
const ok = (passed, name, detail) => say({ passed: Boolean(passed), name,
	detail: passed ? '' : JSON.stringify(detail) ?? '' })
const same = (got, want, name) => ok(
	JSON.stringify(got) === JSON.stringify(want), name, { got, want })
const note = (text) => say({ note: text })
const sleep = (ms) => new Promise((done) => setTimeout(done, ms))
const ctl = (...args) => execFileSync(order.gatepost,
	['-c', order.conf, ...args], { stdio: 'pipe' }).toString()

async function until(condition, what, limit = 10000) {
	for (const end = Date.now() + limit; Date.now() < end; await sleep(20))
		if (await condition())
			return
	throw new Error('waited for ' + what)
}

// Runs in every page and frame: when the page opened.
function watch() {
	window.kept = Math.random()
	new MutationObserver(() => {
		const e = document.querySelector('[data-open], #open')
		if (e && !e.hidden && !window.opened)
			window.opened = Date.now()
	}).observe(document, { subtree: true, childList: true, attributes: true })
}

// A visitor of his own, and what his console complained of.
async function visitor(browser, options = {}, init = []) {
	const context = await browser.newContext({
		viewport: { width: 1100, height: 900 }, ...options })
	context.setDefaultTimeout(20000)
	const noise = []
	context.on('console', (m) => ['error', 'warning'].includes(m.type()) &&
		noise.push(m.text() + ' ' + m.location().url))
	context.on('weberror', (e) => noise.push(String(e.error())))
	for (const script of [watch, ...init])
		await context.addInitScript(script)
	return { context, noise, page: await context.newPage() }
}

// A tab that is not in front may never be painted.
async function shot(page, name) {
	await page.bringToFront()
	await page.screenshot({ path: order.shots + '/' + name + '.png' })
}

// When an app that asks is told that this user has a tier.
async function told(user) {
	for (let after = 0; ;) {
		const r = await fetch(url + '/v1/changes?wait=25&after=' + after,
			{ headers: { Authorization: 'Bearer ' + order.key } })
		const page = await r.json()
		if (page.changes.some((c) => c.user === user && c.after))
			return Date.now()
		after = page.after
	}
}

async function took(page, at, name) {
	const opened = await page.evaluate(() => window.opened)
	note(name + ': ' + (opened - at) + ' ms after the app is told')
	ok(opened && opened - at <= AT_ONCE, name + ': within a second',
		{ at, opened })
}

// The checkout beside the page, filled in; when an app hears of the sale.
async function checkout(page, email) {
	const shop = page.frameLocator('iframe[name=shop]')
	await shop.locator('input[name=email]').fill(email)
	const { searchParams } = new URL(page.frame({ name: 'shop' }).url())
	return { shop, at: told(searchParams.get('user_id')) }
}

async function buy(page, email) {
	await page.locator('a[href="/buy/supporter"]').click()
	const { shop, at } = await checkout(page, email)
	await shop.locator('button.buy').click()
	return at
}

// Tab, until what is focused fits.
async function tabTo(page, selector, frame = page) {
	for (let n = 0; n < 15; n++) {
		await page.keyboard.press('Tab')
		if (await frame.evaluate((s) => document.activeElement.matches(s),
			selector))
			return true
	}
	return false
}

// Buy and pay without a mouse; then all that a member may.
async function keyboard(browser) {
	const { context, noise, page } = await visitor(browser)
	let loads = 0
	page.on('framenavigated', (f) => { loads += f === page.mainFrame() })
	await page.goto(url + '/')
	await page.locator(LOCKED).waitFor()
	await page.evaluate(() => {
		window.told = []
		gatepost.onAccess((x) => window.told.push(x))
	})
	await until(() => page.evaluate(() => told.length), 'the first word')
	same(await page.evaluate(() => told), [null], 'no pass: null, once')
	const kept = await page.evaluate(() => window.kept)
	await shot(page, 'desktop-locked')
	ok(await tabTo(page, 'a[href="/buy/supporter"]'), 'Tab comes to Buy')
	await page.keyboard.press('Enter')
	const { shop, at } = await checkout(page, 'keyboard@example.com')
	const title = shop.locator('form h1')
	same([await title.textContent(), await title.locator('*').count()],
		[TITLE, 0], 'the title is text, no markup')
	await shot(page, 'desktop-shop')
	ok(await tabTo(page, 'button.buy', page.frame({ name: 'shop' })),
		'Tab comes to Pay')
	await page.keyboard.press('Enter')
	await shop.getByText('Thank you').waitFor()
	await shot(page, 'desktop-thanks')
	await page.locator(OPEN).waitFor()
	await took(page, await at, 'the page')
	same(await page.evaluate(() => window.kept), kept, 'it is the same page')
	same(loads, 1, 'no reload')
	const what = page.locator('[data-what]')
	same([await what.textContent(), await what.locator('*').count()],
		[VARIANT, 0], 'and so is what was bought')
	await page.getByText('one warm stripe').waitFor()
	await shot(page, 'desktop-open')
	const tiers = await page.evaluate(() => told.map((x) => x && x.tier))
	same([tiers[0], tiers.at(-1)], [null, 'supporter'], 'what callbacks get')

	ok(await tabTo(page, 'a[href="/supporter/evening.gpl"]'),
		'Tab comes to the download')
	const [file] = await Promise.all(
		[page.waitForEvent('download'), page.keyboard.press('Enter')])
	same(file.suggestedFilename(), 'evening.gpl', 'Enter downloads it')
	const part = await context.request.get(url + '/supporter/evening.gpl',
		{ headers: { Range: 'bytes=5-11' } })
	same([part.status(), await part.text(),
		part.headers()['content-disposition']],
	[206, 'Palette', 'attachment'], 'a part of it')
	const members = await page.goto(url + '/supporter/')
	same(members.status(), 200, 'the members\' page opens')
	same(members.headers()['cache-control'], 'private, no-cache',
		'caches on the way keep nothing of it')
	for (const r of [members, await context.request.get(url + '/')])
		ok(/default-src 'self'/.test(
			r.headers()['content-security-policy']), 'a strict policy')
	await page.locator(OPEN).waitFor()
	await shot(page, 'desktop-members')
	const left = await context.newPage()
	await left.goto(url + '/')
	await left.locator(OPEN).waitFor()
	await page.goto(url + '/demo/again')
	await page.locator(LOCKED).waitFor()
	await left.locator(LOCKED).waitFor({ timeout: 2000 })
	ok(true, 'start again: a page left open is locked too')
	same(noise, [], 'a quiet console')
	const locked = await page.goto(url + '/supporter/')
	same(locked.status(), 401, 'start again: locked out')
	await page.locator(LOCKED).waitFor()
	await context.close()
}

// Buy in one tab; the page left open in another, and the one after checkout.
async function landing(browser) {
	const { context, noise, page } = await visitor(browser, {
		viewport: { width: 390, height: 844 }, deviceScaleFactor: 2,
		colorScheme: 'dark', hasTouch: true, isMobile: true })
	await page.goto(url + '/')
	await page.locator(LOCKED).waitFor()
	const other = await context.newPage()
	await other.goto(url + '/')
	const after = await context.newPage()
	await after.goto(url + '/thanks.html?next=/supporter/')
	await after.getByText('no pass of this site').waitFor()
	ok(await after.locator('a[href="/me"]').isVisible(),
		'no pass: it leads to signing in by mail')
	same(await after.locator('#waiting').isVisible(), false,
		'the page after checkout: no pass, no waiting')
	await shot(after, 'phone-thanks-nopass')
	await page.locator('a[href="/buy/supporter"]').tap()
	const { shop, at } = await checkout(page, 'phone@example.com')
	await shot(page, 'phone-shop')
	await shop.locator('button.buy').tap()
	await page.locator(OPEN).waitFor()
	for (const [p, what, name] of [[other, OPEN, 'a page in another tab'],
		[after, '#open', 'the page after checkout']]) {
		await p.locator(what).waitFor()
		await took(p, await at, name)
	}
	await shot(page, 'phone-open')
	await shot(after, 'phone-thanks-open')
	same(await Promise.all([page, after].map((p) =>
		p.locator('a[href="/me"]').isVisible())), [false, false],
	'with access nothing leads to signing in')
	same(await after.locator('#what').textContent(), ', ' + VARIANT,
		'it says what')
	const goesTo = () => after.evaluate(
		() => document.getElementById('next').href)
	for (const [next, want] of [['/a?b=1#c', '/a?b=1#c'],
		['//example.com/', '/'], ['/\t/example.com', '/']]) {
		await after.goto(url + '/thanks.html?next=' +
			encodeURIComponent(next))
		await after.locator('#open').waitFor()
		same(await goesTo(), url + want, 'next=' + JSON.stringify(next))
	}
	for (const [next, want] of [['/supporter/', '/supporter/'],
		['/\\example.com', '/'], ['\\\\example.com', '/'],
		['/\n/example.com', '/'],
		['\t//example.com', '/'], ['https://example.com/', '/'],
		['https:example.com', '/'], ['javascript:alert(1)', '/'],
		['java\nscript:alert(1)', '/'], ['', '/'], ['x', '/'],
		['/.//example.com', '//example.com'], ['@example.com', '/']]) {
		same(await after.evaluate((n) => Object.assign(
			document.createElement('a'), { href: local(n) }).href, next),
		url + want, 'to ' + JSON.stringify(next))
	}
	same(noise, [], 'a quiet console there')
	await context.close()
}

// A refund whose ping is lost: Gatepost finds out by itself, and the page that
// was left open closes; a refund that fails at the bank has no ping at all.
async function lost(browser) {
	const { context, noise, page } = await visitor(browser)
	await page.goto(url + '/')
	await page.locator(LOCKED).waitFor()
	const at = await buy(page, 'lost@example.com')
	await page.locator(OPEN).waitFor()
	const [counter] = await Promise.all([context.waitForEvent('page'),
		page.locator('footer a[target=counter]').click()])
	const sale = counter.locator('#list article',
		{ hasText: 'lost@example.com' })
	const press = async (where, name) => {
		await where.getByRole('button', { name, exact: true }).click()
		await counter.locator('.said').waitFor()
	}
	await sale.getByText('open: supporter').waitFor()
	await sale.getByText('differs').waitFor({ state: 'hidden' })
	await press(sale, 'Lose its next ping')
	const begun = Date.now()
	await press(sale, 'Refund')
	await sale.getByText('got lost on the way').waitFor()
	// it may have found out before one could look
	ok(await sale.getByText('differs').isVisible() &&
		await sale.getByText('open: supporter').isVisible() ||
		await sale.getByText('closed, refunded').isVisible(),
	'a lost refund: the shop knows it, Gatepost does not yet')
	await shot(counter, 'desktop-counter-lost')
	await counter.setViewportSize({ width: 360, height: 740 })
	await shot(counter, 'phone-counter-lost')
	same(await counter.evaluate(() => document.documentElement.scrollWidth),
		360, 'the counter has room on a small phone')
	await page.bringToFront()
	await page.locator(LOCKED).waitFor({ timeout: ASKED })
	note('a lost refund closed the page after ' + (Date.now() - begun) + ' ms')
	await counter.bringToFront()
	await sale.getByText('closed, refunded').waitFor()
	await sale.getByText('differs').waitFor({ state: 'hidden' })
	ok(true, 'and both know the same')
	await press(sale, 'The refund fails')
	for (const opened = page.locator(OPEN); !await opened.isVisible();)
		await press(counter, 'Reconcile now')
	await counter.locator('#report').getByText('unrefunded').waitFor()
	await shot(counter, 'phone-counter-reconciled')
	await press(sale, 'Explain')
	await counter.getByText('Gumroad was asked').waitFor()
	ok(at, 'reconcile shows what differed, and the page is open again')
	same(noise, [], 'a quiet console: the counter')
	await context.close()
}

// Nothing comes: after a minute it says what to do.
async function late(browser) {
	const { context, noise, page } = await visitor(browser,
		{ colorScheme: 'dark' })
	const wait = page.locator('#wait')
	const pass = ctl('pass', '--user', 'late').trim()
	await context.addCookies([{ name: 'gatepost', value: pass, url }])
	await page.goto(url + '/thanks.html')
	await wait.filter({ hasText: 'Waiting for the payment…' }).waitFor()
	await page.clock.install()
	await page.goto(url + '/thanks.html?paid')
	await wait.filter({ hasText: 'Payment seen, unlocking…' }).waitFor()
	ok(true, 'from a checkout: the payment was seen')
	await shot(page, 'dark-thanks-paid')
	await page.clock.fastForward(45000)
	same(await page.locator('#late').isVisible(), false, 'at first it waits')
	const signIn = page.locator('a[href="/me"]')
	same(await signIn.isVisible(), false, 'and leads nowhere else')
	await page.clock.fastForward(16000)
	await page.getByText('reloading').waitFor()
	same(await wait.textContent(), 'Waiting for the payment…',
		'after a minute it claims no payment')
	same(await page.locator('#elsewhere').isVisible(), false,
		'there is a pass')
	await shot(page, 'dark-thanks-late')
	await signIn.click()
	await page.locator('details[open] input[name=token]').waitFor()
	ok(true, 'nothing came: it leads to where mailed links are used')
	await shot(page, 'dark-me')
	same(noise, [], 'a quiet console after a minute')
	await context.close()
}

// A page of the site: a way to sign in, but not while a payment may come.
async function hint(browser) {
	const { context, noise, page } = await visitor(browser)
	const signIn = page.locator('a[href="/me"]')
	await page.goto(url + '/')
	await page.locator(LOCKED).waitFor()
	same(await signIn.isVisible(), true, 'no pass: a way to sign in')
	const pass = ctl('pass', '--user', 'hint').trim()
	await page.clock.install() // first: what the pass starts is to obey it
	await context.addCookies([{ name: 'gatepost', value: pass, url }])
	await page.evaluate(() => gatepost.check())
	await signIn.waitFor({ state: 'hidden' })
	await page.clock.fastForward(50000)
	same(await signIn.isVisible(), false, 'a pass: it waits at first')
	await page.clock.fastForward(11000)
	await signIn.waitFor()
	ok(true, 'nothing came in a minute: a way to sign in')
	ctl('grant', '--user', 'hint', '--tier', 'supporter')
	await page.evaluate(() => gatepost.check())
	await page.locator(OPEN).waitFor()
	same(await signIn.isVisible(), false, 'access: none')
	same(noise, [], 'a quiet console: the hint')
	await context.close()
}

// Without scripts each page still says where to go.
async function noScript(browser) {
	const { context, page } = await visitor(browser,
		{ javaScriptEnabled: false })
	for (const path of ['/thanks.html', '/', '/join/supporter.html']) {
		await page.goto(url + path)
		await page.locator('a[href="/me"]').click()
		await page.getByText('Sign in').first().waitFor()
		same(page.url(), url + '/me', 'no scripts: from ' + path)
	}
	await context.close()
}

// No EventSource: it polls. A proxy that keeps streams back: it polls too.
async function polling(browser, name, init, cut) {
	const { context, noise, page } = await visitor(browser, {}, init)
	let streams = 0
	await context.route('**/live', (r) => {
		streams++
		return cut ? undefined : r.continue()
	})
	await page.goto(url + '/')
	const kept = await page.evaluate(() => window.kept)
	const at = buy(page, 'poll' + Boolean(cut) + '@example.com')
	await page.locator(OPEN).waitFor({ timeout: POLLED })
	ok(await at, name + ': it opens')
	same(await page.evaluate(() => window.kept), kept, 'without a reload')
	same(streams > 0, Boolean(cut), cut ? 'streams were tried' : 'no streams')
	same(noise, [], 'a quiet console: ' + name)
	await context.close()
}

// The page that gatepost(7) shows.
async function readme(browser) {
	const { context, noise, page } = await visitor(browser)
	const pass = ctl('pass', '--user', 'm').trim()
	await context.route('**/readme', (r) => r.fulfill({
		contentType: 'text/html; charset=utf-8',
		body: '<!doctype html><link rel=icon href=data:,>' + order.readme }))
	await page.goto(url + '/readme')
	await context.addCookies([{ name: 'gatepost', value: pass, url }])
	const says = page.locator('#tier')
	same(await says.textContent(), 'You read the free part.', 'manual: free')
	ctl('grant', '--user', 'm', '--tier', 'supporter')
	await page.evaluate(() => gatepost.check())
	await page.getByText('You have: supporter').waitFor()
	same(await page.evaluate(() => {
		window.heard = []
		window.off = [1, 2].map((n) => gatepost.onAccess(
			(x) => heard.push(n + String(x && x.tier))))
		off[0]()
		return heard
	}), ['1supporter', '2supporter'], 'what is known is told at once')
	ctl('revoke', '--user', 'm', '--tier', 'supporter')
	await page.getByText('the free part').waitFor()
	same(await page.evaluate(() => heard.slice(2)), ['2null'],
		'who left is told no more')
	await page.evaluate(() => import('/gatepost.js'))
	same(await page.evaluate(() => gatepost.url), url, 'as a module too')
	same(noise, [], 'a quiet console: the manual')
	await context.close()
}

// A page of another origin, whose server this is.
async function origin() {
	const server = http.createServer((q, a) => {
		a.setHeader('Content-Type', 'text/html')
		a.end('<!doctype html><link rel=icon href=data:,>' +
			'<script src="' + url + '/gatepost.js"></script>')
	})
	await new Promise((done) => server.listen(0, '127.0.0.1', done))
	server.unref()
	return { url: 'http://127.0.0.1:' + server.address().port, server }
}

// The program ends and comes back, with an origin allowed; changes go on.
async function restart(browser) {
	const [allowed, refused] = [await origin(), await origin()]
	const { context, noise, page } = await visitor(browser)
	const pass = ctl('pass', '--user', 'r').trim()
	await context.addCookies([{ name: 'gatepost', value: pass, url }])
	await page.goto(url + '/')
	await page.locator(LOCKED).waitFor()
	say({ restart: allowed.url })
	await until(async () => {
		try {
			const r = await fetch(url + '/live', { headers: {
				Origin: allowed.url, Authorization: 'Bearer ' + pass } })
			return r.headers.get('access-control-allow-origin')
		} catch { return false }
	}, 'the restart')
	const begun = Date.now()
	ctl('grant', '--user', 'r', '--tier', 'supporter')
	await page.locator(OPEN).waitFor()
	note('after a restart: ' + (Date.now() - begun) + ' ms from a grant')
	// what browsers say of a server that is away
	same(noise.filter((n) => !/50[234]|ERR_(CONN|INCOM|EMPTY)/.test(n)), [],
		'no other complaint than that it was away')
	note('complaints while it was away: ' + noise.length)
	await page.waitForTimeout(300)
	ctl('revoke', '--user', 'r', '--tier', 'supporter')
	await page.locator(LOCKED).waitFor()
	ok(true, 'the next changes come after a restart')

	const tell = (p, ms) => p.evaluate((limit) => new Promise((done) => {
		setTimeout(() => done('nothing'), limit)
		gatepost.onAccess((x) => x && x.tier && done(x.tier))
	}), ms)
	const there = await context.newPage()
	await there.goto(allowed.url)
	const told = tell(there, 15000)
	await sleep(500)
	ctl('grant', '--user', 'r', '--tier', 'supporter')
	same(await told, 'supporter', 'another origin, allowed: it is told')
	const ask = (p) => p.evaluate(async ([to, pass]) => {
		try {
			const r = await fetch(to, { headers: {
				Authorization: 'Bearer ' + pass } })
			return (await r.json()).tier
		} catch { return 'nothing' }
	}, [url + '/live', pass])
	same(await ask(there), 'supporter', 'and with Bearer')
	await there.goto(refused.url)
	const before = noise.length
	same([await tell(there, 1500), await ask(there)], ['nothing', 'nothing'],
		'an origin not allowed: nothing')
	ok(noise.slice(before).some((n) => n.includes('CORS')),
		'the browser says why', noise)
	await context.close()
	allowed.server.close()
	refused.server.close()
}

const noEvents = () => { delete window.EventSource }
const browser = await chromium.launch({ executablePath: order.chromium,
	args: order.root ? ['--no-sandbox'] : [] })
try {
	const run = async (name, job) => {
		const begun = Date.now()
		try {
			await job
		} catch (e) {
			ok(false, name + ' ran to its end', String(e.stack))
		}
		note(name + ': ' + (Date.now() - begun) + ' ms')
	}
	await run('keyboard', keyboard(browser))
	await Promise.all([run('landing', landing(browser)),
		run('late', late(browser)),
		run('readme', readme(browser)),
		run('no EventSource', polling(browser, 'no EventSource',
			[noEvents])),
		run('streams kept back', polling(browser, 'streams kept back',
			[], true))])
	// nobody else buys meanwhile: each purchase has the shop asked
	await Promise.all([run('lost', lost(browser)),
		run('hint', hint(browser)),
		run('no scripts', noScript(browser))])
	await run('restart', restart(browser))
} finally {
	await browser.close()
}
