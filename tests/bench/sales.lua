-- For wrk: each request a sale of Gumroad's like no other, of about 1 kB, with
-- a subscription, a buyer and a user of its own.
--	wrk -s sales.lua URL -- PREFIX [close]
-- The prefix makes a run's sales its own; with close each comes on a connection
-- of its own. Then one line of JSON.
local threads = 0

function setup(thread)
	threads = threads + 1
	thread:set("number", threads)
end

function init(args)
	prefix = args[1] .. string.format("%02d", number)
	count = 0
	headers = { ["Content-Type"] = "application/x-www-form-urlencoded" }
	if args[2] == "close" then
		headers["Connection"] = "close"
	end
	time = os.date("!%Y-%m-%dT%H%%3A%M%%3A%SZ")
end

function request()
	count = count + 1
	local id = prefix .. string.format("%08d", count)
	return wrk.format("POST", nil, headers,
		"seller_id=0GtN2dF0VQgG6Plx3DI8Zw%3D%3D&product_id="
		.. "iiccC-C-t2heNNxQ6TkLhQ%3D%3D&product_name=The%20App&"
		.. "permalink=pencil&product_permalink=https%3A%2F%2Fada.gumroad"
		.. ".com%2Fl%2Fpencil&short_product_id=abcde&email=" .. id
		.. "%40example.org&price=4900&gumroad_fee=490&currency=usd&"
		.. "quantity=1&discover_fee_charged=false&can_contact=true&"
		.. "referrer=https%3A%2F%2Fada.example.org%2Fprices%3Ffrom%3D"
		.. "newsletter&card%5Bvisual%5D=%2A%2A%2A%2A%20%2A%2A%2A%2A%20"
		.. "%2A%2A%2A%2A%204242&card%5Btype%5D=visa&card%5Bbin%5D=&"
		.. "card%5Bexpiry_month%5D=&card%5Bexpiry_year%5D=&"
		.. "order_number=333497621&sale_id=" .. id .. "%3D%3D&"
		.. "sale_timestamp=" .. time .. "&full_name=Ada%20Lovelace&"
		.. "purchaser_id=" .. id .. "&subscription_id=sub" .. id
		.. "%3D%3D&url_params%5Buser_id%5D=u" .. id
		.. "&variants%5BTier%5D=Pro&license_key=11111111-22222222-"
		.. "33333333-" .. id .. "&ip_country=Germany&recurrence=monthly&"
		.. "is_gift_receiver_purchase=false&refunded=false&"
		.. "resource_name=sale&disputed=false&dispute_won=false")
end

function done(summary, latency)
	local e = summary.errors
	io.write(string.format('\n{"requests":%d,"seconds":%f,"p50":%f,'
		.. '"p99":%f,"refused":%d,"broken":%d}\n', summary.requests,
		summary.duration / 1e6, latency:percentile(50) / 1e3,
		latency:percentile(99) / 1e3, e.status,
		e.connect + e.read + e.write + e.timeout))
end
