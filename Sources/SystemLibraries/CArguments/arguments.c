#include "CArguments.h"
#include <stddef.h>

static int count;
static char **values;

// The C library hands a constructor what it will hand to main. Swift itself looks for it in /proc, which may not be there.
__attribute__((constructor)) static void keep(int argc, char **argv) {
    count = argc;
    values = argv;
}

int CArguments_count(void) { return count; }

const char *CArguments_value(int index) { return index >= 0 && index < count ? values[index] : NULL; }
