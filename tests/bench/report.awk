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
	reference = (mode ~ /^tap/ ? "tap-shmring" : "shmring") SUBSEP mode SUBSEP bytes SUBSEP round
	if (reference in at)
		add("ratio" SUBSEP key, at[reference] / rate)
	add("rate" SUBSEP key, rate)
	add("drops" SUBSEP key, 100 * (offered - received) / offered)
	add("kicks" SUBSEP key, 1000 * field("kicks") / received)
	add("sleeps" SUBSEP key, 1000 * field("sleeps") / received)
	add("producer" SUBSEP key, field("producer_cpu_ns") / offered)
	add("consumer" SUBSEP key, field("consumer_cpu_ns") / received)
	add("offered" SUBSEP key, offered / field("produced_ns") * 1e9)
}

function table(mode, title,	n, m, i, j, names, bytes, key, by) {
	n = split(order[mode], names, " ")
	if (!n)
		return
	m = split(size_order, bytes, " ")
	print "\n## " title "\n"
	print "| bytes | transport | records/s | shmring's rate : its | dropped | kicks per 1,000 | sleeps per 1,000 | producer's CPU ns | consumer's CPU ns |"
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
				line = line " " median("producer" SUBSEP key) + median("consumer" SUBSEP key)
		}
		print line > file
	}
	close(file)
}

END {
	print "# From the kernel to a process\n"
	print "Linux " release ", two CPUs: one produces, the other consumes. Rings of 256 KiB. Medians of " rounds " rounds."
	if (kvm == "") {
		print "\nThese are numbers of an emulated machine (TCG). What means something: drops, kicks,"
		print "sleeps, and who is ahead where both do the same kind of work. What does not: the"
		print "times by themselves, and by how much somebody is ahead (emulation slows code down"
		print "by 1x to 32x, copies most and system calls by 4x)."
	}
	print "\nThe producer is one function in the kernel that calls each transport the same way;"
	print "of BPF it runs the compiled program directly, without a tracepoint. Every transport"
	print "but bpf-reserve copies the record once in the kernel; relay and read copy it"
	print "once more, to the process. A kick is a wake-up that was sent; a sleep is a consumer"
	print "that was taken off its CPU. CPU time is per record: offered, of the producer, and"
	print "received, of the consumer."
	table("full", "As fast as it goes, the producer waiting for room")
	table("light", "The same light load: a burst each millisecond, of 64 records or 32 KiB")
	table("heavy", "The same overload: bursts of twice the capacity, what finds no room is dropped")
	table("tap", "Packets: as many UDP datagrams as one thread can send over lo")
	table("tap-paced", "Packets: the same load, 32 datagrams each millisecond")
	for (t in wrong)
		print "\n" t ": in " wrong[t] " runs records were lost in silence, or came twice."
	plot("kernel-rate.dat", "rate", "full")
	plot("kernel-cpu.dat", "cpu", "light")
}
