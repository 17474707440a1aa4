/* Which ledgers are mapped: mmap and munmap stand before libc's, and keep count. */
#ifndef PAGES_H
#define PAGES_H

unsigned pages_mapped(void);

/* Gives back what a refused command line has mapped, and can no longer give back itself. */
void pages_release(void);

#endif
