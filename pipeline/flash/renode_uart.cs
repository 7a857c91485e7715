// A UART's line in Renode: a TCP socket that listens on the loopback interface alone.
// Renode's own server sockets listen on every interface, and take their input a byte at a time.
using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;

using Antmicro.Renode.Backends.Terminals;
using Antmicro.Renode.Core;

namespace Mcu.Pipeline
{
    public static class LoopbackTerminalExtensions
    {
        // Puts the number of the port into a file, once it listens.
        public static void CreateLoopbackTerminal(this Emulation emulation, string name, string portFile)
        {
            emulation.ExternalsManager.AddExternal(new LoopbackTerminal(portFile), name);
        }
    }

    public sealed class LoopbackTerminal : BackendTerminal, IDisposable
    {
        public LoopbackTerminal(string portFile)
        {
            listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start(1);
            Run(Listen);
            var port = ((IPEndPoint)listener.LocalEndpoint).Port;
            File.WriteAllText(portFile + ".part", port.ToString());
            File.Move(portFile + ".part", portFile);
        }

        public override void WriteChar(byte value)
        {
            lock(said)
            {
                said.Add(value);
                Monitor.Pulse(said);
            }
        }

        public void Dispose()
        {
            lock(said)
            {
                ended = true;
                Monitor.Pulse(said);
            }
            listener.Stop();
            if(line != null)
            {
                line.Close();
            }
        }

        private static void Run(ThreadStart body)
        {
            new Thread(body) { IsBackground = true }.Start();
        }

        private void Listen()
        {
            try
            {
                line = listener.AcceptSocket();
                line.NoDelay = true;
                Run(Speak);
                var heard = new byte[4096];
                for(var count = line.Receive(heard); count > 0; count = line.Receive(heard))
                {
                    for(var i = 0; i < count; i++)
                    {
                        CallCharReceived(heard[i]);
                    }
                }
            }
            catch(Exception)
            {
                // the host has gone, or the machine was cleared
            }
        }

        private void Speak()
        {
            try
            {
                while(!ended)
                {
                    byte[] part;
                    lock(said)
                    {
                        while(said.Count == 0 && !ended)
                        {
                            Monitor.Wait(said);
                        }
                        part = said.ToArray();
                        said.Clear();
                    }
                    for(var sent = 0; sent < part.Length;)
                    {
                        sent += line.Send(part, sent, part.Length - sent, SocketFlags.None);
                    }
                }
            }
            catch(Exception)
            {
                // as above
            }
        }

        private readonly TcpListener listener;
        private readonly List<byte> said = new List<byte>();
        private volatile bool ended;
        private volatile Socket line;
    }
}
