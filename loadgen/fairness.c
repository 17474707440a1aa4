#include "fairness.h"

#include <math.h>
#include <stdlib.h>

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

double fairness_least_percent(const struct worker *workers, uint32_t threads)
{
    size_t count = 0;
    uint64_t *served = calloc(workers[0].options->active, sizeof *served);
    if (!served)
        return NAN;
    for (uint32_t n = 0; n < threads; n++)
        for (uint32_t k = 0; k < workers[n].active_count; k++)
            served[count++] = workers[n].clients[workers[n].active[k]].received;
    qsort(served, count, sizeof *served, compare_u64);
    size_t middle = count / 2;
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += (double)served[k];
    double least = (double)served[0], median = (double)served[middle], mean = sum / (double)count;
    free(served);
    return 100 * least / (median > mean ? median : mean);
}
