/*
 * A histogram of nanoseconds with three significant digits.  Values up to 2048 ns have a bucket
 * each; above, every power of two is cut into 1024 buckets, so that a bucket's width is at most
 * 0.1 % of its values.  Adding costs a few instructions; merging adds counts (percentiles are never
 * averaged).  The layout is HdrHistogram's (Tene), with one fixed precision.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_OCTAVE = 1024,  /* buckets per power of two */
    HISTOGRAM_MAX_SHIFT = 30, /* the top: 2^41 ns, 36 minutes; larger values count as that */
    HISTOGRAM_BUCKETS = (HISTOGRAM_MAX_SHIFT + 2) * HISTOGRAM_OCTAVE,
};

struct histogram {
    uint64_t total;
    uint64_t counts[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t value_ns);
void histogram_merge(struct histogram *into, const struct histogram *from);
void histogram_reset(struct histogram *h);

/* The lowest value of bucket i, and so the (excluded) upper end of bucket i - 1. */
uint64_t histogram_lower_ns(uint32_t bucket);

/* The value that a share q (0 < q < 1) of all values does not exceed, as the middle of its bucket.
 * NaN unless at least 10 values lie above it: a percentile of fewer says nothing. */
double histogram_percentile_ns(const struct histogram *h, double q);

/* The mean of all values, each taken for the middle of its bucket; NaN when there are none. */
double histogram_mean_ns(const struct histogram *h);

/* The share of the values (0 to 1) above a limit, by the middles of their buckets; NaN when there
 * are none. */
double histogram_share_above(const struct histogram *h, uint64_t limit_ns);

#endif
