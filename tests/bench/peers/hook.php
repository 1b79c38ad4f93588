<?php
// A receiver as one would write it: the token, one insert, synced. Nothing is
// decided from what it stores.
if (!hash_equals($_SERVER['BENCH_TOKEN'], basename($_SERVER['REQUEST_URI']))) {
	http_response_code(404);
	exit;
}
$db = new PDO('sqlite:' . $_SERVER['BENCH_DATABASE'], null, null, [
	PDO::ATTR_PERSISTENT => true,
	PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
	PDO::ATTR_TIMEOUT => 10,
]);
$db->exec('PRAGMA synchronous = FULL');
$insert = $db->prepare('INSERT INTO sales (sale, email, received_at, body)
	VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING');
$insert->execute([$_POST['sale_id'], $_POST['email'], time(),
	file_get_contents('php://input')]);
header('Content-Type: application/json');
echo '{"status":"recorded"}';
