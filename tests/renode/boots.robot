*** Comments ***
Run by a Renode user:
    mcu render model.tflite --board disco_f407vg --out run && mcu build run
    renode-test tests/renode/boots.robot --variable BOARD:disco_f407vg --variable UART:sysbus.usart2 --variable ELF:/path/to/run/firmware.elf

*** Variables ***
${BOARD}                      disco_f407vg
${UART}                       sysbus.usart2
${ELF}                        ${CURDIR}/firmware.elf

*** Keywords ***
Boot The Board
    Execute Command           $elf=@${ELF}
    Execute Command           include @${CURDIR}/../../boards/${BOARD}/renode.resc
    Create Terminal Tester    ${UART}  timeout=20
    Start Emulation
    Wait For Line On Uart     m-ready

*** Test Cases ***
Monitor Greets The Host
    Boot The Board

Monitor Names The Board
    Boot The Board
    Write To Uart             name%
    Wait For Line On Uart     m-name-dut-[${BOARD}]
    Wait For Line On Uart     m-ready
