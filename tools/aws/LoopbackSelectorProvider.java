package sun.nio.ch;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.spi.AbstractSelector;

/**
 * Makes a Java program that knows no option for it listen on 127.0.0.1 only: where it asks for all interfaces it gets
 * the loopback one. DynamoDB Local is such a program. Named with -Djava.nio.channels.spi.SelectorProvider.
 *
 * It stands in the JDK's own package because the JDK's selectors serve only the JDK's channels, and it uses the JDK
 * alone: no program is compiled against or changed.
 */
public final class LoopbackSelectorProvider extends SelectorProviderImpl {
    @Override
    public AbstractSelector openSelector() throws IOException {
        return DefaultSelectorProvider.get().openSelector();
    }

    @Override
    public ServerSocketChannelImpl openServerSocketChannel() throws IOException {
        return new LoopbackServerSocketChannel(this);
    }

    private static final class LoopbackServerSocketChannel extends ServerSocketChannelImpl {
        LoopbackServerSocketChannel(LoopbackSelectorProvider provider) throws IOException {
            super(provider);
        }

        @Override
        public ServerSocketChannel bind(SocketAddress address, int backlog) throws IOException {
            int port = address instanceof InetSocketAddress a ? a.getPort() : 0;
            return super.bind(new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), port), backlog);
        }
    }
}
