#pragma once

/// How many arguments the process was started with, its own name included.
int CArguments_count(void);

/// One of them; NULL behind the last.
const char *CArguments_value(int index);
