/* Another process, whose descriptor table has room: it holds open what we cannot. */
#ifndef KEEPER_H
#define KEEPER_H

/* Before other descriptors are opened, as the keeper inherits them. */
void keeper_start(void);

/* Gives it a descriptor, which is closed here. */
void keeper_take(int fd);

/* Has it close them all; returns when it has ended. */
void keeper_stop(void);

#endif
