import { z } from 'zod';
import { isHost, LISTED_HOST, parseListedHost, USER } from './host.ts';

const HOST_RULE = 'write a host name or an IP address';
const LISTED_HOST_RULE = 'write host, user@host, host:port or user@[v6]:port';
const PORT_RULE = 'write a port from 1 to 65535';

const port = z.int().min(1, PORT_RULE).max(65_535, PORT_RULE);

const nodeFacts = {
  gpus: z.int().min(0, 'write the number of GPUs, 0 for none').exactOptional().describe('How many GPUs the node has.'),
  labels: z
    .array(z.string().regex(/^[^\s,]+$/, 'write a label without blanks and commas'))
    .exactOptional()
    .describe('What the selectors of roles look for, e.g. mi300x.'),
  port: port.exactOptional().describe('The port of its ssh server.'),
  user: z.string().regex(USER, 'write a user name').exactOptional().describe('Who logs in there.'),
  ssh_key: z
    .string()
    .min(1, 'write the path of a private key')
    .exactOptional()
    .describe('The private key to log in with.'),
};

/** The schema of the executor's name. */
export const executorSchema = z.enum(['local', 'ssh', 'slurm']);

/** The schema of `slurm:`. */
export const slurmSchema = z.strictObject({
  partition: z.string().min(1, 'write the name of a partition').exactOptional().describe('The partition to ask.'),
  account: z.string().min(1, 'write the name of an account').exactOptional().describe('The account to charge.'),
  options: z
    .array(z.string().regex(/^-/, 'write an option of sbatch, which starts with -'))
    .default([])
    .describe('Further options of sbatch, e.g. --exclusive.'),
});

/** The schema of `ssh_config:`. */
export const sshConfigSchema = z.string().min(1, 'write the path of an ssh configuration file');

const poolFacts = {
  executor: executorSchema
    .exactOptional()
    .describe('How commands reach the nodes; without it ssh, or local when all of them are this machine.'),
  slurm: slurmSchema.exactOptional().describe('What Slurm is asked for.'),
  ssh_config: sshConfigSchema
    .exactOptional()
    .describe('Configuration file of the ssh client, relative to the cluster file; by default the usual one.'),
};

/** The schema of one entry of a host list. */
export const listedHostSchema = z
  .string()
  .regex(LISTED_HOST, LISTED_HOST_RULE)
  .transform((text, context) => {
    const listed = parseListedHost(text);
    const message = listed === null ? HOST_RULE : PORT_RULE;
    if (listed !== null && (listed.port === null || port.safeParse(listed.port).success)) return listed;
    context.addIssue({ code: 'custom', message, input: text });
    return z.NEVER;
  });

/** The schema of one entry of `nodes:`. */
export const nodeSchema = z.strictObject({
  ip: z.string().refine(isHost, HOST_RULE).exactOptional().describe('Where it is reached, when not by its name.'),
  ...nodeFacts,
});

/** What `hosts:` may say of all its hosts; every other field is passed over. */
export const commonFactsSchema = z.object(nodeFacts);

/** The short form: the whole file is a list of hosts. */
export const hostListSchema = z.array(listedHostSchema).min(1, 'name at least one host');

/** The short form with facts that all hosts share. */
export const hostsSchema = z.strictObject({
  hosts: hostListSchema.describe('Host names; what else is said holds for all of them.'),
  ...nodeFacts,
  ...poolFacts,
});

/** The full form. */
export const nodesSchema = z.strictObject({
  nodes: z
    .record(z.string(), nodeSchema)
    .refine((nodes) => Object.keys(nodes).length > 0, 'name at least one node')
    .meta({ minProperties: 1 })
    .describe('The nodes by name, in the order in which roles take them.'),
  ...poolFacts,
});

/** The schema of a cluster file, in any of its three forms. */
export const poolFileSchema = z.union([hostListSchema, hostsSchema, nodesSchema]);

/** For a mapping that has neither `hosts` nor `nodes`: knows the fields of both forms. */
export const formlessSchema = nodesSchema.extend(hostsSchema.shape).partial();
