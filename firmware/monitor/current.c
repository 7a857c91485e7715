#include "current.h"

mon_current_t mon_current;

void mon_current_forget(void)
{
    mon_current.known = false;
    mon_current.answered = false;
}
