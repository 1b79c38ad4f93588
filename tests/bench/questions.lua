-- For wrk: questions about people in turn. A file has a line for each: path,
-- blank, header's name, blank, its value.
--	wrk -s questions.lua URL -- FILE
-- Then one line of JSON, as sales.lua.
function init(args)
	requests = {}
	for line in io.lines(args[1]) do
		local path, name, value = line:match("^(%S+) (%S+) (.*)$")
		table.insert(requests, wrk.format("GET", path, { [name] = value }))
	end
	count = 0
end

function request()
	count = count % #requests + 1
	return requests[count]
end

function done(summary, latency)
	local e = summary.errors
	io.write(string.format('\n{"requests":%d,"seconds":%f,"p50":%f,'
		.. '"p99":%f,"refused":%d,"broken":%d}\n', summary.requests,
		summary.duration / 1e6, latency:percentile(50) / 1e3,
		latency:percentile(99) / 1e3, e.status,
		e.connect + e.read + e.write + e.timeout))
end
