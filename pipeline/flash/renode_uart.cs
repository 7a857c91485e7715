// A UART's line in Renode: a Unix socket, in a folder that only its user may enter.
// Renode's own server sockets listen on every interface, and take their input a byte at a time.
using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Sockets;
using System.Threading;

using Antmicro.Renode.Backends.Terminals;
using Antmicro.Renode.Core;

namespace Mcu.Pipeline
{
    public static class PrivateTerminalExtensions
    {
        // The path is there once it listens.
        public static void CreatePrivateTerminal(this Emulation emulation, string name, string path)
        {
            emulation.ExternalsManager.AddExternal(new PrivateTerminal(path), name);
        }
    }

    public sealed class PrivateTerminal : BackendTerminal, IDisposable
    {
        public PrivateTerminal(string path)
        {
            listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(path + ".part"));
            listener.Listen(1);
            Run(Listen);
            File.Move(path + ".part", path);
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
            listener.Close();
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
                line = listener.Accept();
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

        private readonly Socket listener;
        private readonly List<byte> said = new List<byte>();
        private volatile bool ended;
        private volatile Socket line;
    }
}
