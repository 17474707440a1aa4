/*
 * The state of the machine, asked by work of a fixed size: how far two cores are from each other,
 * how fast each of them is, what reading the clock costs.  On virtual machines the hypervisor moves
 * the cores: the round trip jumps, and the cost of a request with it, while nothing else shows it
 * (METHOD.md, row 24).
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdint.h>
#include <stdio.h>

/* What was seen of a server's core and the generator's. 0: not measured. */
struct probe {
    uint32_t round_trip_ns;                     /* of a cache line between the two */
    uint32_t server_spin_ns, generator_spin_ns; /* for a fixed piece of arithmetic */
};

/* The median round trip in nanoseconds, in about a millisecond; 0 when the two are one core, a core
 * is not ours to use, or the other thread did not come to run within 20 ms. */
uint32_t probe_round_trip_ns(int core_a, int core_b);

/* All of it, in about 10 ms. A core of -1 is not probed. */
struct probe probe_cores(int server_core, int generator_core);

/* A JSON object with a probe's numbers; null for what was not measured. */
void probe_print(FILE *out, const struct probe *p);

/* A JSON object: what the clock resolves, and what reading it costs, in nanoseconds. */
void probe_print_clock(FILE *out);

#endif
