#include "histogram.h"

#include <math.h>
#include <string.h>

static uint32_t bucket_of(uint64_t value_ns)
{
    if (value_ns < 2ULL * HISTOGRAM_OCTAVE)
        return (uint32_t)value_ns;
    uint32_t shift = 53 - (uint32_t)__builtin_clzll(value_ns); /* leaves a value of 1024 to 2047 */
    if (shift > HISTOGRAM_MAX_SHIFT)
        return HISTOGRAM_BUCKETS - 1;
    return shift * HISTOGRAM_OCTAVE + (uint32_t)(value_ns >> shift);
}

uint64_t histogram_lower_ns(uint32_t bucket)
{
    if (bucket < 2 * HISTOGRAM_OCTAVE)
        return bucket;
    uint32_t shift = bucket / HISTOGRAM_OCTAVE - 1;
    return (uint64_t)(bucket - shift * HISTOGRAM_OCTAVE) << shift;
}

void histogram_add(struct histogram *h, uint64_t value_ns)
{
    h->counts[bucket_of(value_ns)]++;
    h->total++;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    if (!from->total)
        return;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->counts[i] += from->counts[i];
    into->total += from->total;
}

void histogram_reset(struct histogram *h)
{
    if (h->total)
        memset(h, 0, sizeof *h);
}

/* What the values of a bucket are taken for: integers lower .. upper-1 fell into it. */
static double middle_ns(uint32_t bucket)
{
    return ((double)histogram_lower_ns(bucket) + (double)histogram_lower_ns(bucket + 1) - 1) / 2;
}

double histogram_mean_ns(const struct histogram *h)
{
    double sum = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        if (h->counts[i])
            sum += (double)h->counts[i] * middle_ns(i);
    return h->total ? sum / (double)h->total : NAN;
}

double histogram_share_above(const struct histogram *h, uint64_t limit_ns)
{
    uint64_t above = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        if (middle_ns(i) > (double)limit_ns)
            above += h->counts[i];
    return h->total ? (double)above / (double)h->total : NAN;
}

double histogram_percentile_ns(const struct histogram *h, double q)
{
    if ((double)h->total * (1 - q) < 10)
        return NAN;
    uint64_t rank = (uint64_t)ceil((double)h->total * q);
    uint64_t seen = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->counts[i];
        if (seen >= rank)
            return middle_ns(i);
    }
    return NAN;
}
