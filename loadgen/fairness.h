/* Does a server treat its connections alike? */
#ifndef FAIRNESS_H
#define FAIRNESS_H

#include "worker.h"

/* The requests of the least served active connection, as a percentage of the median one's (of the
 * mean, if that is more: where most starve, the median does, too), since they were opened; NaN when
 * nothing was served, or when there is no memory to count.  Of interest in a closed loop without
 * churn, with the same connections active all the time. */
double fairness_least_percent(const struct worker *workers, uint32_t threads);

#endif
