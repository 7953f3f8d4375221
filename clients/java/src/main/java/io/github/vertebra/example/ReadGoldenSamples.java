package io.github.vertebra.example;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;

/**
 * Reads what Python wrote, this and every earlier release: bytes and JSON are the same message, and
 * the bytes are written again as they were.
 */
public final class ReadGoldenSamples {
  private ReadGoldenSamples() {}

  public static void main(String[] arguments) throws Exception {
    int count = 0;
    try (DirectoryStream<Path> files = Files.newDirectoryStream(Path.of(arguments[0]), "*.json")) {
      for (Path file : files) {
        for (JsonElement sample : JsonParser.parseString(Files.readString(file)).getAsJsonArray()) {
          check(sample.getAsJsonObject());
          count++;
        }
      }
    }
    System.out.println(count + " samples are read as they were meant");
  }

  private static void check(JsonObject sample) throws Exception {
    String name = sample.get("message").getAsString();
    byte[] wire = Base64.getDecoder().decode(sample.get("wire").getAsString());
    Message empty =
        (Message) Class.forName("io.github." + name).getMethod("getDefaultInstance").invoke(null);
    Message fromWire = empty.getParserForType().parseFrom(wire);
    Message.Builder fromJson = empty.newBuilderForType();
    JsonFormat.parser().merge(sample.get("json").toString(), fromJson);
    if (!fromWire.equals(fromJson.build()) || !fromWire.getUnknownFields().asMap().isEmpty()) {
      throw new IOException(name + ": bytes and JSON differ");
    }
    if (!Arrays.equals(fromWire.toByteArray(), wire)) {
      throw new IOException(name + ": written as other bytes");
    }
  }
}
