package io.github.vertebra.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * What a client shows a service, and what it wants to see: certificates, tokens, names.
 *
 * <p>A token leaves this machine only encrypted. Its file is read again for every call;
 * certificates are read when the channel is made. An empty text means that there is none.
 *
 * @param tls encrypt, and believe certificates that Java's authorities vouch for
 * @param ca PEM file of the authorities to believe instead; means {@code tls}
 * @param cert PEM file of our own certificate; means {@code tls}
 * @param key PEM file of its private key
 * @param token sent with every call; a file is better, for it can be renewed
 * @param tokenFile file with the token
 * @param serverName the name in the service's certificate, where it is not the address
 */
public record Credentials(
    boolean tls,
    String ca,
    String cert,
    String key,
    String token,
    String tokenFile,
    String serverName) {

  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  /** Refuses what contradicts itself. */
  public Credentials {
    require(cert.isEmpty() == key.isEmpty(), "a certificate and its key: give both files");
    require(token.isEmpty() || isToken(token), "the token is not one word of ASCII");
    require(token.isEmpty() || tokenFile.isEmpty(), "a token and a token file: give one of them");
    boolean isEncrypted = isEncrypted(tls, ca, cert);
    require(serverName.isEmpty() || isEncrypted, "a server name without TLS: nothing compares it");
  }

  /**
   * Returns what VERTEBRA_TLS, _CA, _CERT, _KEY, _TOKEN, _TOKEN_FILE and _SERVER_NAME say, as the
   * command line reads them.
   */
  public static Credentials fromEnvironment(Map<String, String> variables) {
    String tls = said(variables, "TLS").toLowerCase(Locale.ROOT);
    require(
        tls.matches("(1|true|yes|on|0|false|no|off)?"), "VERTEBRA_TLS is 1 or 0, not '" + tls + "'");
    return new Credentials(
        tls.matches("1|true|yes|on"),
        expanded(said(variables, "CA")),
        expanded(said(variables, "CERT")),
        expanded(said(variables, "KEY")),
        said(variables, "TOKEN"),
        expanded(said(variables, "TOKEN_FILE")),
        said(variables, "SERVER_NAME"));
  }

  /** Returns a channel to {@code host:port}; shut it down. */
  public ManagedChannel channel(String address) throws IOException {
    boolean hasToken = !token.isEmpty() || !tokenFile.isEmpty();
    require(
        isEncrypted() || !hasToken || isLoopback(address),
        "the token is not sent to " + address + " in plain text: give the authority (ca), or tls");
    ManagedChannelBuilder<?> builder =
        Grpc.newChannelBuilder(address, channelCredentials())
            .keepAliveTime(30, TimeUnit.SECONDS)
            .keepAliveTimeout(20, TimeUnit.SECONDS)
            .maxInboundMessageSize(64 * 1024 * 1024);
    if (!serverName.isEmpty()) {
      builder.overrideAuthority(serverName);
    }
    if (hasToken) {
      builder.intercept(new Bearer(tokenFile.isEmpty() ? null : Path.of(tokenFile), token));
    }
    return builder.build();
  }

  /** Never the token: records are printed. */
  @Override
  public String toString() {
    return "Credentials[tls=" + isEncrypted() + "]";
  }

  private boolean isEncrypted() {
    return isEncrypted(tls, ca, cert);
  }

  private static boolean isEncrypted(boolean tls, String ca, String cert) {
    return tls || !ca.isEmpty() || !cert.isEmpty();
  }

  private ChannelCredentials channelCredentials() throws IOException {
    if (!isEncrypted()) {
      return InsecureChannelCredentials.create();
    }
    TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder();
    if (!ca.isEmpty()) {
      builder.trustManager(Path.of(ca).toFile());
    }
    if (!cert.isEmpty()) {
      builder.keyManager(Path.of(cert).toFile(), Path.of(key).toFile());
    }
    return builder.build();
  }

  private static void require(boolean isSo, String problem) {
    if (!isSo) {
      throw new IllegalArgumentException(problem);
    }
  }

  private static String said(Map<String, String> variables, String name) {
    return variables.getOrDefault("VERTEBRA_" + name, "").strip();
  }

  private static String expanded(String path) {
    return path.startsWith("~/") ? System.getProperty("user.home") + path.substring(1) : path;
  }

  private static boolean isToken(String text) {
    return text.matches("[!-~]+");
  }

  private static boolean isLoopback(String address) {
    String host = address.replaceFirst(":\\d+$", "");
    return host.matches("localhost|\\[::1]|127\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}");
  }

  /** Puts the token on every call, as its file is at that moment. */
  private static final class Bearer implements ClientInterceptor {
    private final Path file;
    private volatile String last;

    Bearer(Path file, String token) throws IOException {
      this.file = file;
      this.last = file == null ? token : Files.readString(file).strip();
      require(isToken(last), file + " does not hold a token: one word of ASCII");
    }

    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(
        MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
        @Override
        public void start(Listener<A> listener, Metadata headers) {
          headers.put(AUTHORIZATION, "Bearer " + current());
          super.start(listener, headers);
        }
      };
    }

    /** Returns the token; a file that is half-written or gone leaves the last one. */
    private String current() {
      if (file == null) {
        return last;
      }
      try {
        String now = Files.readString(file).strip();
        last = isToken(now) ? now : last;
      } catch (IOException unreadable) {
        return last;
      }
      return last;
    }
  }
}
