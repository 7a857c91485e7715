/* Constants that stay in flash.
 *
 * A core with one address space reads flash like RAM, and MCU_ROM is plain `const`. On AVR flash
 * is a space of its own (the C extension of named address spaces, ISO/IEC TR 18037): what is
 * only `const` is copied to RAM at start, what is MCU_ROM stays, and the compiler takes the
 * instruction for flash through pointers of that type. */
#ifndef ROM_H
#define ROM_H

/* GCC's name for that address space, which it knows in GNU C alone. */
#if defined(__FLASH) && !defined(__STRICT_ANSI__)
#include <avr/pgmspace.h>

#define MCU_FLASH_IS_APART 1
#define MCU_ROM            const __flash

/* memcpy() and strcmp() that take their second argument from flash */
#define MCU_ROM_COPY    memcpy_P
#define MCU_ROM_COMPARE strcmp_P

/* A literal that stays in flash */
#define MCU_TEXT(text)                                                                             \
    (__extension__({                                                                               \
        static MCU_ROM char rom_[] = text;                                                         \
        &rom_[0];                                                                                  \
    }))
#else
#define MCU_ROM         const
#define MCU_ROM_COPY    memcpy
#define MCU_ROM_COMPARE strcmp
#define MCU_TEXT(text)  (text)
#endif

#endif
