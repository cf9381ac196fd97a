# The waits of 99 quiet tenants beside a noisy one, by when each message was sent:
#   BENCH_POINTS=FILE build/bench/fair --only quiet; gnuplot -e "points='FILE'; out='FILE.svg'" bench/fair.gnuplot
set terminal svg size 900,400 background rgb "white"
set output out
set logscale y
set format y "%g"
set xrange [0:1.2]
set yrange [0.0005:2000]
set xlabel "sent, seconds after the noisy tenant began to send 50,000 at once"
set ylabel "ms from send to receive"
set key outside top center horizontal
set grid ytics lc rgb "#dddddd"
plot points index 0 every 60 using ($3 > 0 ? $1 : NaN):2 with points pt 7 ps 0.3 lc rgb "#cc3311" notitle, \
     points index 1 every 60 using ($3 > 0 ? $1 : NaN):2 with points pt 7 ps 0.3 lc rgb "#0077bb" notitle, \
     keyentry with points pt 7 ps 0.6 lc rgb "#cc3311" title "quiet tenants, plain queue", \
     keyentry with points pt 7 ps 0.6 lc rgb "#0077bb" title "quiet tenants, group ids"
