// A receiver as one would write it: the token, one insert, synced. Nothing is
// decided from what it stores.
//	node hook.mjs MODULES SOCKET DATABASE TOKEN PROCESSES
import cluster from 'node:cluster';
import { timingSafeEqual } from 'node:crypto';
import { createRequire } from 'node:module';

const [modules, socket, file, token, processes] = process.argv.slice(2);
if (cluster.isPrimary && Number(processes) > 1) {
	for (let i = 0; i < Number(processes); i++)
		cluster.fork();
	process.on('SIGTERM', () => {
		for (const worker of Object.values(cluster.workers))
			worker.kill();
		process.exit();
	});
} else {
	const require = createRequire(modules + '/');
	const db = require('better-sqlite3')(file, { timeout: 10000 });
	db.pragma('journal_mode = WAL');
	db.pragma('synchronous = FULL');
	const insert = db.prepare(`INSERT INTO sales
		(sale, email, received_at, body) VALUES (?, ?, ?, ?)
		ON CONFLICT DO NOTHING`);
	const app = require('fastify')();
	app.addContentTypeParser('application/x-www-form-urlencoded',
		{ parseAs: 'string' }, (request, body, done) => done(null, body));
	app.post('/hooks/gumroad/:token', (request, reply) => {
		const sent = Buffer.from(request.params.token);
		const right = Buffer.from(token);
		if (sent.length !== right.length || !timingSafeEqual(sent, right))
			return reply.code(404).send();
		const fields = new URLSearchParams(request.body);
		insert.run(fields.get('sale_id'), fields.get('email'),
			Math.floor(Date.now() / 1000), request.body);
		return reply.send({ status: 'recorded' });
	});
	await app.listen({ path: socket });
}
