# SPDX-License-Identifier: GPL-2.0-only
#
# gnuplot -e "what='rate'" or 'cpu', where tests/bench/kernel/report.awk has left its data
set terminal svg size 800,500 background 'white'
set output 'kernel-'.what.'.svg'
set datafile missing '?'
set key autotitle columnheader outside right
set logscale xy
set format x '%.0f'
set grid
set xlabel 'bytes in a record'
if (what eq 'rate') {
	set title 'Kernel to process, as fast as it goes (emulated machine)'
	set ylabel 'records per second'
} else {
	set title 'Kernel to process, both sides together'
	set ylabel 'guest instructions per record'
}
data = 'kernel-'.what.'.dat'
columns = system("head -n 1 ".data." | wc -w") + 0
plot for [i=2:columns] data using 1:i with linespoints linewidth 2
