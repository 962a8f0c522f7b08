# SPDX-License-Identifier: GPL-2.0-only
#
# gnuplot -e "what='size'; kind='svg'": one of size, capacity, rings, latency,
# where the engine has left its data; as svg or png
if (kind eq 'svg') set terminal svg size 900,560 background 'white' noenhanced
if (kind eq 'png') set terminal pngcairo size 900,560 noenhanced
set output what.'.'.kind
set key outside right top
set grid
data = what.'.dat'
stats data using 0 nooutput
blocks = STATS_blocks

if (what eq 'latency') {
	set title 'Round trips: how many take how long'
	set logscale x
	set xlabel 'ns'
	set ylabel 'percentile'
	# Nines are what matters: 90 %, 99 %, 99.9 % at equal distances
	set ytics ('0' 0, '90' 1, '99' 2, '99.9' 3, '99.99' 4, '99.999' 5)
	set yrange [0:5.5]
	plot for [i=0:blocks-1] data index i using 2:(-log10(1.0000001-$1)) \
		with steps lw 1.5 title columnheader(1)
} else {
	set logscale x 2
	if (what eq 'size') {
		set title 'Messages copied in and out of a ring of 64 KiB'
		set xlabel 'bytes of a message'
		set ylabel 'GB/s'
	}
	if (what eq 'capacity') {
		set title 'Messages of 1 KiB, by capacity'
		set xlabel 'bytes of capacity'
		set ylabel 'GB/s'
	}
	if (what eq 'rings') {
		set title 'An item to one of many in an epoll set'
		set xlabel 'rings'
		set ylabel 'ns an item'
	}
	set yrange [0:*]
	plot for [i=0:blocks-1] data index i using 1:2:3:4 \
		with yerrorlines lw 1.5 title columnheader(1)
}
