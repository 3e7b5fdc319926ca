// Runs Voice ID calls, one a line of standard input as JSON, and prints what became of each as one line of JSON.
// Endpoint, region and keys come from the environment, as for any program of the SDK.
import * as sdk from "@aws-sdk/client-voice-id";
import { createInterface } from "node:readline";

const client = new sdk.VoiceIDClient({ maxAttempts: 1 });

async function answer({ operation, input }) {
  try {
    const { $metadata, ...output } = await client.send(new sdk[`${operation}Command`](input));
    return { output, status: $metadata.httpStatusCode, requestId: $metadata.requestId };
  } catch (error) {
    return {
      error: error.name,
      typed: sdk[error.name] !== undefined && error instanceof sdk[error.name],
      message: error.message,
      status: error.$metadata?.httpStatusCode,
      conflict: error.ConflictType,
      resource: error.ResourceType,
    };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + "\n");
}
