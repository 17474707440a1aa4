/*
 * Random numbers by counting: a number depends on its seed and its place only, not on what was
 * drawn before.  So every server of a comparison is offered the same arrivals, in whatever order
 * its answers come.  The mix is splitmix64's (Steele, Lea, Flood 2014).
 */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

static inline uint64_t random_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

/* 64 random bits for the place (a, b) under a seed. */
static inline uint64_t random_at(uint64_t seed, uint64_t a, uint64_t b)
{
    return random_mix(random_mix(random_mix(seed) + a) + b);
}

/* The same, uniform in (0, 1]. */
static inline double random_unit(uint64_t seed, uint64_t a, uint64_t b)
{
    return ((double)(random_at(seed, a, b) >> 11) + 1) * 0x1p-53;
}

/* Puts n numbers into a random order (Fisher and Yates). */
static inline void random_shuffle(uint32_t *numbers, uint32_t n, uint64_t seed)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = (uint32_t)(random_at(seed, i, 0) % i);
        uint32_t swap = numbers[i - 1];
        numbers[i - 1] = numbers[j];
        numbers[j] = swap;
    }
}

#endif
