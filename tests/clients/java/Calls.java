import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.core.SdkField;
import software.amazon.awssdk.core.SdkPojo;
import software.amazon.awssdk.core.protocol.MarshallingType;
import software.amazon.awssdk.core.traits.ListTrait;
import software.amazon.awssdk.protocols.jsoncore.JsonNode;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.services.voiceid.VoiceIdClient;
import software.amazon.awssdk.services.voiceid.model.ConflictException;
import software.amazon.awssdk.services.voiceid.model.ResourceNotFoundException;
import software.amazon.awssdk.services.voiceid.model.VoiceIdException;
import software.amazon.awssdk.utils.builder.Buildable;

/**
 * Runs Voice ID calls, one a line of standard input as JSON, and prints what became of each as one line of JSON.
 * Endpoint, region and keys come from the environment. Requests and answers are filled and read by the SDK's own
 * description of their fields.
 */
public final class Calls {
    private static final String PACKAGE = "software.amazon.awssdk.services.voiceid.model.";

    private Calls() {}

    public static void main(String[] arguments) throws Exception {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        try (var client = VoiceIdClient.builder()
                .endpointOverride(URI.create(System.getenv("AWS_ENDPOINT_URL_VOICE_ID")))
                .overrideConfiguration(c -> c.retryStrategy(DefaultRetryStrategy.doNotRetry()))
                .build()) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                JsonNode wanted = JsonNode.parser().parse(line);
                Map<String, JsonNode> members = wanted.asObject();
                out.println(json(answer(client, members.get("operation").asString(), members.get("input"))));
            }
        }
    }

    private static Map<String, Object> answer(VoiceIdClient client, String operation, JsonNode input) throws Exception {
        Class<?> request = Class.forName(PACKAGE + operation + "Request");
        SdkPojo builder = (SdkPojo) request.getMethod("builder").invoke(null);
        fill(builder, input);
        String name = Character.toLowerCase(operation.charAt(0)) + operation.substring(1);
        Method call = VoiceIdClient.class.getMethod(name, request);
        Map<String, Object> answer = new LinkedHashMap<>();
        try {
            answer.put("output", members((SdkPojo) call.invoke(client, ((Buildable) builder).build())));
        } catch (InvocationTargetException failure) {
            if (!(failure.getCause() instanceof VoiceIdException error)) {
                throw failure;
            }
            String code = error.awsErrorDetails().errorCode();
            answer.put("error", code);
            answer.put("typed", error.getClass().getSimpleName().equals(code));
            answer.put("message", error.awsErrorDetails().errorMessage());
            answer.put("conflict", error instanceof ConflictException e ? e.conflictTypeAsString() : null);
            answer.put("resource", error instanceof ResourceNotFoundException e ? e.resourceTypeAsString() : null);
        }
        return answer;
    }

    private static void fill(SdkPojo builder, JsonNode input) {
        for (SdkField<?> field : builder.sdkFields()) {
            JsonNode given = input.asObject().get(field.memberName());
            if (given != null) {
                field.set(builder, value(field, given));
            }
        }
    }

    private static Object value(SdkField<?> field, JsonNode given) {
        if (field.marshallingType() == MarshallingType.LIST) {
            SdkField<?> member = field.getTrait(ListTrait.class).memberFieldInfo();
            List<Object> items = new ArrayList<>();
            given.asArray().forEach(item -> items.add(value(member, item)));
            return items;
        }
        if (field.marshallingType() == MarshallingType.SDK_POJO) {
            SdkPojo inner = field.constructor().get();
            fill(inner, given);
            return ((Buildable) inner).build();
        }
        return field.marshallingType() == MarshallingType.INTEGER ? Integer.valueOf(given.asNumber()) : given.asString();
    }

    private static Map<String, Object> members(SdkPojo pojo) {
        Map<String, Object> found = new LinkedHashMap<>();
        for (SdkField<?> field : pojo.sdkFields()) {
            found.put(field.memberName(), field.getValueOrDefault(pojo));
        }
        return found;
    }

    private static String json(Object value) {
        if (value == null || value instanceof Boolean || value instanceof Number) {
            return String.valueOf(value);
        }
        if (value instanceof SdkPojo pojo) {
            return json(members(pojo));
        }
        if (value instanceof Map<?, ?> map) {
            List<String> parts = new ArrayList<>();
            map.forEach((name, inner) -> {
                if (inner != null && !(inner instanceof List<?> list && list.isEmpty() && !name.equals("Tags"))) {
                    parts.add(json(name) + ":" + json(inner));
                }
            });
            return "{" + String.join(",", parts) + "}";
        }
        if (value instanceof List<?> list) {
            return "[" + String.join(",", list.stream().map(Calls::json).toList()) + "]";
        }
        String text = value instanceof Instant moment ? moment.toString() : value.toString();
        StringBuilder quoted = new StringBuilder("\"");
        for (char each : text.toCharArray()) {
            boolean special = each == '"' || each == '\\' || each < ' ';
            quoted.append(special ? String.format("\\u%04x", (int) each) : String.valueOf(each));
        }
        return quoted.append('"').toString();
    }
}
