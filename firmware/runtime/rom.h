/* Constants that stay in flash.
 *
 * A core with one address space reads flash like RAM, and MCU_ROM is plain `const`. On AVR flash
 * is a space of its own (the C extension of named address spaces, ISO/IEC TR 18037): what is
 * only `const` is copied to RAM at start, what is MCU_ROM stays, and the compiler takes the
 * instruction for flash through pointers of that type. */
#ifndef ROM_H
#define ROM_H

#if defined(__AVR__) && !defined(__cplusplus)
#define MCU_ROM const __flash
#else
#define MCU_ROM const
#endif

#endif
