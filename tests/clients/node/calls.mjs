// Runs Voice ID calls read as JSON from standard input, in order, and prints what became of each as JSON.
// Endpoint, region and keys come from the environment, as for any program of the SDK.
import * as sdk from "@aws-sdk/client-voice-id";
import { text } from "node:stream/consumers";

const client = new sdk.VoiceIDClient({ maxAttempts: 1 });
const answers = [];
for (const { operation, input } of JSON.parse(await text(process.stdin))) {
  try {
    const { $metadata, ...output } = await client.send(new sdk[`${operation}Command`](input));
    answers.push({ output, status: $metadata.httpStatusCode, requestId: $metadata.requestId });
  } catch (error) {
    answers.push({
      error: error.name,
      typed: sdk[error.name] !== undefined && error instanceof sdk[error.name],
      message: error.message,
      status: error.$metadata?.httpStatusCode,
      conflict: error.ConflictType,
      resource: error.ResourceType,
    });
  }
}
process.stdout.write(JSON.stringify(answers));
