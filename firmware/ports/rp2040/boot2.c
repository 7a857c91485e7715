/* The second-stage bootloader that the RP2040's boot ROM loads from the first 256 bytes of
 * flash and checks by its last word: RP2040 Datasheet, section 2.8.1.3.
 *
 * It switches execute-in-place on with the plain 03h read, which every flash chip knows, at
 * 31 MHz (the XIP cache hides most of it), and goes on to the vector table behind it. */
#include <stdint.h>

__attribute__((section(".boot"), used)) const uint16_t boot2[126] = {
    0x4B0A,         /* r3 = 0x18000000, the SSI (4.10.13) */
    0x2100,         /* r1 = 0 */
    0x6099,         /* SSIENR = 0 */
    0x2104,         /* r1 = 4 */
    0x6159,         /* BAUDR: 125 MHz / 4 */
    0x4909,         /* r1 = 0x001F0300 */
    0x6019,         /* CTRLR0: 32-bit frames, EEPROM read */
    0x2100,         /* r1 = 0 */
    0x6059,         /* CTRLR1: one frame */
    0x4908,         /* r1 = 0x03000218 */
    0x4808,         /* r0 = 0x180000F4 */
    0x6001,         /* SPI_CTRLR0: command 03h, 24 address bits */
    0x2101,         /* r1 = 1 */
    0x6099,         /* SSIENR = 1 */
    0x4807,         /* r0 = 0x10000100, the vector table */
    0x4908,         /* r1 = VTOR */
    0x6008,         /* VTOR = the vector table */
    0xC803,         /* r0, r1 = stack, Reset_Handler */
    0xF380,         /* msp = r0 */
    0x8808, 0x4708, /* go */
    0x0000, 0x0000, 0x1800, 0x0300, 0x001F, 0x0218, 0x0300,
    0x00F4, 0x1800, 0x0100, 0x1000, 0xED08, 0xE000,
};

/* CRC-32 (polynomial 0x04C11DB7, not reflected) of the 252 bytes above. */
__attribute__((section(".boot_crc"), used)) const uint32_t boot2_crc = 0x3C019546u;
