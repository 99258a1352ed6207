#ifndef HEDDLE_ALLOCATION_COUNTER_H
#define HEDDLE_ALLOCATION_COUNTER_H

#include <stdint.h>

/// Heap allocations of this process so far. Linking this target replaces malloc and its kin by ones that count and then
/// call glibc's.
uint64_t heddle_allocation_count(void);

#endif
