*** Comments ***
The monitor on an emulated board, for those who have Renode. For example:
    mcu deploy model.tflite --board disco_f407vg --until build --out run
    renode-test tests/renode/boots.robot --variable BOARD:disco_f407vg --variable UART:sysbus.usart2 --variable ELF:/path/to/run/firmware.elf
BOARD is a folder of boards/, UART what its board.toml has under [renode], ELF an absolute path.

*** Variables ***
${BOARD}                      disco_f407vg
${UART}                       sysbus.usart2
${ELF}                        ${CURDIR}/firmware.elf

*** Keywords ***
Boot The Board
    Execute Command           $elf=@${ELF}
    Execute Command           include @${CURDIR}/../../boards/${BOARD}/renode.resc
    Create Terminal Tester    ${UART}  timeout=2
    Start Emulation
    Wait For Line On Uart     m-ready

Executed Instructions
    ${text}=                  Execute Command  sysbus.cpu ExecutedInstructions
    ${count}=                 Evaluate  int($text.split()[-1], 16)
    RETURN                    ${count}

Chip's Microseconds
    ${line}=                  Wait For Line On Uart  m-lap-us-([0-9]+)  treatAsRegex=true
    ${number}=                Evaluate  int($line['Line'].rpartition('-')[2])
    RETURN                    ${number}

Load Zeros
    Write To Uart             infer 1%
    ${line}=                  Wait For Line On Uart  needs 'db load [0-9]+'  treatAsRegex=true
    ${bytes}=                 Evaluate  int($line['Line'].split("'")[1].split()[-1])
    Wait For Line On Uart     m-ready
    Write To Uart             db load ${bytes}%
    Wait For Line On Uart     m-ready
    FOR  ${at}  IN RANGE  0  ${bytes}  ${64}
        ${part}=              Evaluate  '00' * min(64, ${bytes} - ${at})
        Write To Uart         db ${part}%
        Wait For Line On Uart  m-ready
    END

*** Test Cases ***
Monitor Greets The Host
    Boot The Board

Monitor Names The Board
    Boot The Board
    Write To Uart             name%
    Wait For Line On Uart     m-name-dut-[${BOARD}]
    Wait For Line On Uart     m-ready

Monitor Reports Every Layer
    Boot The Board
    Write To Uart             layers%
    Wait For Line On Uart     m-layer-0-[1-9][0-9]*  treatAsRegex=true
    Wait For Line On Uart     m-ready

Inference Takes As Long As Its Instructions
    Boot The Board
    Load Zeros
    ${before}=                Executed Instructions
    Write To Uart             infer 10 0%
    Wait For Line On Uart     m-infer-start-10
    ${start}=                 Chip's Microseconds
    ${end}=                   Chip's Microseconds
    Wait For Line On Uart     m-infer-done
    ${after}=                 Executed Instructions
    # At 1,000 MIPS a microsecond is 1,000 instructions; the rest went into the commands.
    Should Be True            0 < (${end} - ${start}) * 1000 < ${after} - ${before}
