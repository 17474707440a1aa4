# The classic scaling plots, straight from samples.csv: a point is a block, a line goes through the blocks' medians.
#
#   gnuplot -e "run='results/latest'" plots/scaling.gp                    SVG and PNG: RUN/figures/gnuplot-*
#   gnuplot -e "run='results/latest'; terminal='dumb'" plots/scaling.gp   one plot as text, 80 columns
#
# RUN holds one scenario (RUN/samples.csv) or several (RUN/*/samples.csv). Invalid, unsupported and failed rows are
# not drawn. A fixed rate gives CPU % and CPU per request, a closed loop gives throughput and CPU per request. If
# several active counts or rates were measured, each gets its own plot.

if (!exists("run")) run = "results/latest"
if (!exists("terminal")) terminal = "files"
if (terminal ne "dumb" && terminal ne "files" && terminal ne "stream") {
    printerr "scaling.gp: terminal='".terminal."': give 'dumb' (one plot as text), 'stream' (SVG and PNG to standard output, each after a line with its name) or leave it out (SVG and PNG)"
    exit status 2
}
files = system("for f in '".run."'/samples.csv '".run."'/*/samples.csv; do [ -f \"$f\" ] && printf '\"%s\" ' \"$f\"; done; true")
if (words(files) == 0) {
    printerr "scaling.gp: no samples.csv in ".run." or one folder down; give a run: gnuplot -e \"run='results/latest'\" plots/scaling.gp"
    exit status 1
}

set datafile separator comma
mechanisms = "select select-wide poll epoll-lt epoll-et"
array colour[5] = ["#E69F00", "#CC79A7", "#D55E00", "#0072B2", "#009E73"]
array thick[5] = [6, 4, 2, 4, 2]
array dash[5] = [1, 1, 1, 1, 2]
array shape[5] = [9, 4, 7, 12, 1]       # triangle, square, disc, diamond, cross
array letter[5] = [19, 23, 16, 12, 5]   # S W P L E in a text terminal

# ---- the rows ------------------------------------------------------------------------------------------------
# The header is a row whose status is "status", so it is never usable. A closed loop has the rate 0; where every
# connection is active (`everyone`), the active count does not tell rows apart and is taken as 0.
# (A function of gnuplot has an argument, needed or not.)
usable(x) = strcol("status") eq "valid" || strcol("status") eq "suspect"
rate(x) = strcol("arrival") eq "closed" || strcol("offered_per_s") eq "" ? 0 : column("offered_per_s")
active(x) = everyone ? 0 : column("active")
setting(k) = k == 1 ? column("connections") : k == 2 ? active(0) : rate(0)
here(x) = usable(0) && rate(0) == at_rate && active(0) == at_active && strcol(y) ne ""
row(name, x) = here(0) && strcol("mechanism") eq name && column("connections") == x
array values[3]     # the different connections, active counts and rates of a file, ascending, as words

# ---- the looks -----------------------------------------------------------------------------------------------
plain(x) = x < 1000 ? sprintf("%.6g", x) : sprintf("%d,%03d", int(x / 1000), int(x) % 1000)
number_of(name) = int(sum [m = 1:5] (word(mechanisms, m) eq name ? m : 0))
fact(key) = system("sed -n 's/^ *\"".key."\": *\"\\(.*\\)\".*/\\1/p' '".folder."/environment.json' 2>/dev/null | head -1")
title_of(y) = y eq "server_cpu_percent" ? "Server CPU at a fixed rate" : \
              y eq "throughput_per_s" ? "Throughput" : "Server CPU per request"
unit_of(y) = y eq "server_cpu_percent" ? "% of one core" : y eq "throughput_per_s" ? "requests/s" : "µs per request"
short(y) = y eq "server_cpu_percent" ? "cpu-percent" : y eq "throughput_per_s" ? "throughput" : "cpu-per-request"
set encoding utf8
set xlabel "open connections"
set border 3 lc rgb "#6a737d"
set tics nomirror textcolor rgb "#1f2328"
set key left top Left reverse samplen 2

# ---- one plot after the other --------------------------------------------------------------------------------
done = 0
skipped = 0
do for [f = 1:words(files)] {
    file = word(files, f)
    folder = system("dirname '".file."'")
    scenario = system("sed -n 2p '".file."' | cut -d, -f1 | sed 's/-c[0-9].*//'")
    everyone = 0
    stats file using (usable(0) ? 1 : 0) nooutput
    count = int(STATS_sum)
    if (count == 0) { printerr "scaling.gp: ".file.": no valid sample to draw"; continue }
    do for [k = 1:3] {
        if (k == 2) {
            stats file using (usable(0) && column("active") != column("connections") ? 1 : 0) nooutput
            everyone = (STATS_sum == 0 && words(values[1]) > 1)
        }
        values[k] = ""
        last = -1
        while (1) {
            stats file using (usable(0) && setting(k) > last ? 1 : 0) nooutput
            if (STATS_sum == 0) { break }
            stats file using (usable(0) && setting(k) > last ? setting(k) : NaN) nooutput
            last = STATS_min
            values[k] = values[k].sprintf(" %.15g", last)
        }
    }
    others = int(system("cut -d, -f6 '".file."' | sed 1d | sort -u | wc -l"))   # variants, the sixth column
    if (words(values[2]) > words(values[1]) || words(values[1]) == 1 || others > 1) {
        skipped = skipped + 1
        if (terminal ne "dumb") { print "scaling.gp: ".scenario." does not sweep the connections alone: see report.html" }
        continue
    }
    do for [a in values[2]] { do for [r in values[3]] {
        at_active = a + 0
        at_rate = r + 0
        do for [y in (at_rate > 0 ? "server_cpu_percent" : "throughput_per_s")." server_cpu_us_per_request"] {
            if (terminal eq "dumb" && (done > 0 || (at_rate > 0 && at_rate + 0 != word(values[3], words(values[3])) + 0))) { continue }

            # The medians: one data set for each mechanism that has any, with the columns connections, median.
            drawn = ""
            set print $medians
            do for [name in mechanisms] {
                lines = 0
                do for [x in values[1]] {
                    stats file using (row(name, x + 0) ? 1 : 0) nooutput
                    if (STATS_sum > 0) {
                        stats file using (row(name, x + 0) ? column(y) : NaN) nooutput
                        print sprintf("%s,%.9g", x, STATS_median)
                        lines = lines + 1
                    }
                }
                if (lines > 0) {
                    print ""
                    print ""
                    drawn = drawn." ".name
                }
            }
            set print
            if (words(drawn) == 0) { continue }

            stats file using (here(0) ? column(y) : NaN) nooutput
            least = STATS_min
            most = STATS_max
            low = word(values[1], 1) + 0
            high = word(values[1], words(values[1])) + 0
            set xrange [low / 1.3 : high * 1.3]
            set xtics ()
            do for [x in "1 3 10 30 100 300 1000 3000 10000 30000 100000 300000"] {
                if (x >= low / 1.3 && x <= high * 1.3) { set xtics add (plain(x + 0) x + 0) }
            }
            set logscale x
            set format y "%.0f"
            set yrange [0 : most * 1.1]
            set key left top
            if (y eq "server_cpu_percent") { set yrange [0 : 105] }
            if (y eq "throughput_per_s") { set key left bottom }
            if (y eq "server_cpu_us_per_request") {
                set logscale y
                set format y "%g"
                set yrange [least / 2 : most * 2]
            }
            who = (everyone ? "all" : plain(at_active))." active, ".(at_rate > 0 ? plain(at_rate)." requests/s" : "closed loop")
            set ylabel unit_of(y)
            if (terminal eq "dumb") {
                set terminal dumb size 80, 26 noenhanced
                set output
                unset grid
                if (y eq "server_cpu_percent") { set yrange [-6 : 105] }   # what is near 0 stands above the axis
                set title title_of(y).", ".unit_of(y)."\n(".who."; medians)"
                set ylabel
                set xlabel "open connections (where marks coincide, the last of the list shows)"
                plot for [i = 1:words(drawn)] $medians index i - 1 using 1:2 with lines lt 0 notitle, \
                     for [i = 1:words(drawn)] $medians index i - 1 using 1:2 with points \
                         pt letter[number_of(word(drawn, i))] title word(drawn, i)
            } else {
                name = "gnuplot-".scenario. \
                       (words(values[2]) > 1 ? "-a".a : "").(words(values[3]) > 1 ? "-r".r : "")."-".short(y)
                if (terminal eq "files") {
                    system("mkdir -p '".run."/figures'")
                    name = run."/figures/".name
                }
                set grid lc rgb "#d8dee4" lt 1 lw 0.7
                set title title_of(y)." against open connections\n{/*0.8 ".who."; points: blocks, line: their median}" noenhanced
                set title enhanced
                set label 1 noenhanced at screen 0.02, 0.025 font ",9" textcolor rgb "#6a737d" \
                    fact("cpu")."  Linux ".fact("kernel")."  ".fact("date")[1:10]."  scenario ".scenario
                do for [kind in "svg png"] {
                    if (kind eq "svg") {
                        set terminal svg size 800, 520 font "DejaVu Sans,13" background rgb "white" name "muxbench"
                    } else {
                        set terminal pngcairo size 1200, 780 font "DejaVu Sans,13" fontscale 1.3 background rgb "white"
                    }
                    set bmargin 5
                    if (terminal eq "stream") {
                        set output
                        set print "-"
                        print "== figure ".name.".".kind
                        set print
                    } else {
                        set output name.".".kind
                    }
                    plot for [i = 1:words(drawn)] $medians index i - 1 using 1:2 with linespoints \
                             lc rgb colour[number_of(word(drawn, i))] lw thick[number_of(word(drawn, i))] \
                             dt dash[number_of(word(drawn, i))] pt shape[number_of(word(drawn, i))] ps 1.2 \
                             title word(drawn, i), \
                         for [i = 1:words(drawn)] file using \
                             (here(0) && strcol("mechanism") eq word(drawn, i) ? column("connections") : NaN):(column(y)) \
                             with points pt 7 ps 0.45 lc rgb colour[number_of(word(drawn, i))] notitle
                    set output
                }
                if (terminal eq "files") { print name.".svg" }
            }
            # stats leaves out what lies outside of the ranges
            unset logscale
            set xrange [* : *]
            set yrange [* : *]
            done = done + 1
        }
    }}
}
if (done == 0 && skipped == 0) {
    printerr "scaling.gp: nothing to draw in ".run.": no valid sample of select, select-wide, poll, epoll-lt or epoll-et against connections"
    exit status 1
}
