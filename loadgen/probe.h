/*
 * How far are two cores from each other?  The time a cache line takes from one to the other and
 * back.  On virtual machines the hypervisor moves the cores: the round trip jumps, and the cost of
 * a request with it, while nothing else shows it (METHOD.md, row 24).
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdint.h>

/* The median round trip in nanoseconds, in about a millisecond; 0 when the two are one core, a core
 * is not ours to use, or the other thread did not come to run within 20 ms. */
uint32_t probe_round_trip_ns(int core_a, int core_b);

#endif
