/* Numbers as people write them: 10k, 2s, 500ms, 64KiB. */
#ifndef UNITS_H
#define UNITS_H

#include <stdbool.h>
#include <stdint.h>

/* The largest whole number: a double holds all up to there, so that none is taken for another. */
#define COUNT_MAX ((1ULL << 53) - 1)

/* Each reads the whole text; false when it is not such a number, negative, or too large. */
bool parse_count(const char *text, uint64_t *count);          /* 200, 10k, 1.5M; whole */
bool parse_rate(const char *text, double *per_s);             /* 200, 0.5, 1.5k */
bool parse_duration(const char *text, uint64_t *duration_ns); /* 2s, 500ms, 50us, 100ns, 1m */
bool parse_bytes(const char *text, uint64_t *bytes);          /* 64, 64B, 10kB, 64KiB, 1MiB */

/* 1234567 as "1,234,567" into a buffer of the caller's, which is returned. */
enum { GROUPED_BYTES = 32 };
char *group_digits(uint64_t number, char text[GROUPED_BYTES]);

#endif
