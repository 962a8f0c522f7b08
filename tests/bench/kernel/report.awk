# SPDX-License-Identifier: GPL-2.0-only
#
# Tables from the benchmark's JSON lines, and what gnuplot plots: medians over
# the rounds. A ratio is taken within each round, since what a minute ago was the
# machine's speed need not be it now.

function field(name,	part) {
	if (!match($0, "\"" name "\":\"?[^\",}]*"))
		return ""
	part = substr($0, RSTART, RLENGTH)
	sub(/^"[^"]*":"?/, "", part)
	return part
}

function add(what, value) {
	samples[what] = samples[what] " " value
}

function median(what,	n, v, i, j, t) {
	n = split(samples[what], v, " ")
	if (!n)
		return "-"
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) {
			t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
		}
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

function commas(n,	s) {
	s = sprintf("%d", n)
	while (s ~ /[0-9][0-9][0-9][0-9]/)
		sub(/[0-9][0-9][0-9]($|,)/, ",&", s)
	return s
}

function number(n, digits) {
	if (n == "-")
		return n
	return n >= 1000 ? commas(n) : sprintf("%." digits "f", n)
}

{
	t = field("transport"); mode = field("mode"); bytes = field("bytes"); round = field("round")
	received = field("received"); offered = field("offered"); ns = field("ns")
	if (!((t, mode) in seen)) {
		seen[t, mode] = 1
		order[mode] = order[mode] " " t
	}
	if (!(bytes in sizes)) {
		sizes[bytes] = 1
		size_order = size_order " " bytes
	}
	if (!received || !ns)
		next
	key = t SUBSEP mode SUBSEP bytes
	if (field("bad") > 0 || received != field("written"))
		wrong[t]++
	rate = received / ns * 1e9
	at[key, round] = rate
	# The reference of what a module offers comes first in each round
	reference = (mode ~ /^tap/ ? "tap-shmring-lowat" : "shmring") SUBSEP mode SUBSEP bytes SUBSEP round
	if (reference in at)
		add("ratio" SUBSEP key, at[reference] / rate)
	add("rate" SUBSEP key, rate)
	add("drops" SUBSEP key, 100 * (offered - received) / offered)
	if (field("kicks") != "")
		add("kicks" SUBSEP key, 1000 * field("kicks") / received)
	add("sleeps" SUBSEP key, 1000 * field("sleeps") / received)
	add("producer" SUBSEP key, field("producer_cpu_ns") / offered)
	add("consumer" SUBSEP key, field("consumer_cpu_ns") / received)
	add("busy" SUBSEP key, field("busy_ns") / offered)
	add("both" SUBSEP key, (field("producer_cpu_ns") + field("consumer_cpu_ns")) / received)
}

function table(mode, title,	n, m, i, j, names, bytes, key, by) {
	n = split(order[mode], names, " ")
	if (!n)
		return
	m = split(size_order, bytes, " ")
	print "\n## " title "\n"
	print "| bytes | way | records/s | shmring's rate : its | dropped | kicks per 1,000 | sleeps per 1,000 | producer's CPU ns | consumer's CPU ns |"
	print "|---:|---|---:|---:|---:|---:|---:|---:|---:|"
	for (i = 1; i <= m; i++)
		for (j = 1; j <= n; j++) {
			key = names[j] SUBSEP mode SUBSEP bytes[i]
			if (!(("rate" SUBSEP key) in samples))
				continue
			by = median("ratio" SUBSEP key)
			printf "| %s | %s | %s | %s | %.1f %% | %s | %s | %s | %s |\n",
				bytes[i], names[j], commas(median("rate" SUBSEP key)),
				number(by, 2), median("drops" SUBSEP key),
				number(median("kicks" SUBSEP key), 2), number(median("sleeps" SUBSEP key), 2),
				commas(median("producer" SUBSEP key)), commas(median("consumer" SUBSEP key))
		}
}

# Where a nanosecond is an instruction.  A packet's consumer may run while the
# producer's clock does, so of packets only the sum is told.
function count_table(mode, title,	n, m, i, j, names, bytes, key, first) {
	n = split(order[mode], names, " ")
	if (!n)
		return
	m = split(size_order, bytes, " ")
	print "\n## " title "\n"
	print "| bytes | way | producer | both sides | its : the first\047s, producer | both sides | dropped | kicks per 1,000 | sleeps per 1,000 |"
	print "|---:|---|---:|---:|---:|---:|---:|---:|---:|"
	for (i = 1; i <= m; i++)
		for (j = 1; j <= n; j++) {
			key = names[j] SUBSEP mode SUBSEP bytes[i]
			first = names[1] SUBSEP mode SUBSEP bytes[i]
			if (!(("both" SUBSEP key) in samples))
				continue
			printf "| %s | %s | %s | %s | %s | %.2f | %.1f %% | %s | %s |\n",
				bytes[i], names[j],
				mode !~ /^tap/ ? commas(median("busy" SUBSEP key)) : "-",
				commas(median("both" SUBSEP key)),
				mode !~ /^tap/ ? number(median("busy" SUBSEP key) / median("busy" SUBSEP first), 2) : "-",
				median("both" SUBSEP key) / median("both" SUBSEP first),
				median("drops" SUBSEP key),
				number(median("kicks" SUBSEP key), 2), number(median("sleeps" SUBSEP key), 2)
		}
}

function plot(file, what, mode,	n, m, i, j, names, bytes, key, line) {
	file = plots "/" file
	n = split(order[mode], names, " ")
	m = split(size_order, bytes, " ")
	line = "bytes"
	for (j = 1; j <= n; j++)
		line = line " " names[j]
	print line > file
	for (i = 1; i <= m; i++) {
		line = bytes[i]
		for (j = 1; j <= n; j++) {
			key = names[j] SUBSEP mode SUBSEP bytes[i]
			if (!(("rate" SUBSEP key) in samples))
				line = line " ?"
			else if (what == "rate")
				line = line " " median("rate" SUBSEP key)
			else
				line = line " " median("both" SUBSEP key)
		}
		print line > file
	}
	close(file)
}

END {
	print "# From the kernel to a process\n"
	print "Linux " release ", rings of 256 KiB. The producer is one function in the kernel that calls"
	print "each way alike; of BPF it runs the compiled program directly, without a tracepoint."
	print "All but bpf-reserve copy a record once in the kernel; relay and read copy it once more,"
	print "to the process. A kick is a wake-up that was sent; a sleep is a consumer that was taken"
	print "off its CPU. -lowat consumers wait for a quarter of the ring or 1 ms, bpf-nowakeup looks"
	print "every 1 ms; all others are woken as soon as their way allows. relay tells its consumer of"
	print "a sub-buffer at a time, 32 KiB: shmring-batch commits as much at a time; all other"
	print "producers publish each record at once."
	count_table("count", "Guest instructions per record")
	print "\nThe same on any machine, to a few per cent (both sides together, which adds scheduler times, to less): one emulated CPU whose clock counts instructions. The"
	print "producer fills a quarter of the ring, the consumer then empties it: eight times. What an"
	print "instruction costs, a full fence or a cache miss say, is not in here."
	print "-lowat and bpf-nowakeup look every millisecond, also when nothing has come: three times"
	print "for each time that something has, here, which is seen where records are few."
	count_table("overflow", "The same overload: bursts of twice the ring, instructions per offered record")
	print "\nWhat finds no room is dropped, at once and counted. Both sides: per record received."
	count_table("tap-count", "Guest instructions per packet, UDP over lo, sending included")
	print "\ntap-shmring-lowat waits as TPACKET_V3 does: for a quarter of the ring, or 1 ms. Where"
	print "sender and reader share a CPU, one that is woken for any packet comes for each."
	print "\n# The same with two CPUs, one for each side\n"
	print "Medians of " rounds " rounds."
	if (kvm == "") {
		print "\nThese are times of an emulated machine (TCG), which shares its host with whatever else"
		print "runs there. What means something: drops, kicks and sleeps. What does not: times, rates,"
		print "and by how much somebody is ahead (emulation slows code down by 1x to 32x, copies most)."
	}
	print "\nCPU time is per record: offered, of the producer, and received, of the consumer."
	table("full", "As fast as it goes, the producer waiting for room")
	table("light", "The same light load: a burst each millisecond, of 64 records or 32 KiB")
	table("busy", "The same light load, and a consumer that looks again and again and never sleeps")
	table("heavy", "The same overload: bursts of twice the capacity, what finds no room is dropped")
	table("tap", "Packets: as many UDP datagrams as one thread can send over lo")
	table("tap-paced", "Packets: the same light load, 8 datagrams each millisecond (of 16 KiB: 4)")
	for (t in wrong)
		print "\n" t ": in " wrong[t] " runs records were lost in silence, or came twice."
	plot("kernel-rate.dat", "rate", "full")
	plot("kernel-cpu.dat", "both", "count")
}
