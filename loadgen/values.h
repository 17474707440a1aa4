/* The values of options.  Each function reads the whole text, or exits 2 and says what would do;
 * name is the option's, without the dashes. */
#ifndef VALUES_H
#define VALUES_H

#include <sched.h>
#include <stdint.h>

uint64_t count_option(const char *name, const char *text, uint64_t min, uint64_t max);

/* In nanoseconds; min_ns is 0, or what makes it "above 0". */
uint64_t time_option(const char *name, const char *text, uint64_t min_ns);

/* From 1 byte to 64 MiB. */
uint32_t bytes_option(const char *name, const char *text);

/* The name of a file. */
const char *file_option(const char *name, const char *text);

/* The place of text in a list of words that ends with NULL. */
int word_option(const char *name, const char *text, const char *const *words);

/* Requests per second, from 0.1 to 100 million; 0 for max. */
double rate_option(const char *text);

cpu_set_t cpu_option(const char *name, const char *text);

/* Two cores: A,B. */
void probe_option(const char *text, int cores[2]);

#endif
