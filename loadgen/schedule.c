#include "schedule.h"

#include <math.h>
#include <stdlib.h>

#include "random.h"

static double period_ns(const struct schedule *s)
{
    return 1e9 * s->active / s->rate_per_s; /* of one connection */
}

static uint64_t exponential_ns(const struct schedule *s, uint32_t place, uint64_t number)
{
    return (uint64_t)(-log(random_unit(s->seed, place, number)) * period_ns(s));
}

uint64_t schedule_first(const struct schedule *s, uint32_t place, uint32_t nth)
{
    double shift;
    switch (s->arrival) {
    case ARRIVAL_POISSON: /* without memory: the first distance is like any other */
        return s->start_ns + exponential_ns(s, place, 0);
    case ARRIVAL_UNIFORM: /* one comb over all connections, at a random phase of a connection's
                             period */
        shift = fmod(place + s->active * random_unit(s->seed, 0, 0), s->active);
        return s->start_ns + (uint64_t)(shift / s->active * period_ns(s));
    case ARRIVAL_CLOSED: /* those that think or wait for the network are somewhere in it */
        break;
    }
    uint64_t round_ns = s->think_ns + s->network_delay_ns;
    return s->start_ns + (uint64_t)((double)round_ns * (1 - random_unit(s->seed, place, nth)));
}

uint64_t schedule_next(const struct schedule *s, uint32_t place, uint64_t number, uint64_t last_ns)
{
    switch (s->arrival) {
    case ARRIVAL_POISSON:
        return last_ns + exponential_ns(s, place, number);
    case ARRIVAL_UNIFORM:
        return last_ns + (uint64_t)llround(period_ns(s));
    case ARRIVAL_CLOSED:
        break;
    }
    return last_ns + s->think_ns;
}

bool due_queue_init(struct due_queue *q, size_t size)
{
    *q = (struct due_queue){.heap = calloc(size, sizeof *q->heap)};
    return q->heap != NULL;
}

void due_queue_push(struct due_queue *q, struct due entry)
{
    size_t i = q->count++;
    while (i > 0 && q->heap[(i - 1) / 2].due_ns > entry.due_ns) {
        q->heap[i] = q->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    q->heap[i] = entry;
}

struct due due_queue_pop(struct due_queue *q)
{
    struct due first = q->heap[0];
    struct due last = q->heap[--q->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child + 1 < q->count && q->heap[child + 1].due_ns < q->heap[child].due_ns)
            child++;
        if (child >= q->count || q->heap[child].due_ns >= last.due_ns)
            break;
        q->heap[i] = q->heap[child];
        i = child;
    }
    q->heap[i] = last;
    return first;
}
