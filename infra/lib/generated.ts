// What Go's tables say (engine/aws/permissions): read here, never edited. `go generate ./engine/aws/permissions` writes it.
import permissionsFile from '../generated/permissions.json';
import settingsFile from '../generated/settings.json';

/** The queues by kind; the stack makes the inbound ones once per tenant. */
export type QueueKind = 'work' | 'work-dlq' | 'inbound' | 'inbound-dlq';

/** What a permission may name: the queues, the table, its index and stream, and the keys of these. */
export type ResourceKind = QueueKind | 'table' | 'index' | 'stream' | 'table-key' | 'queue-key' | 'inbound-key';

/** The kinds of payonce process. Each gets a policy and a role. */
export type Process = 'api' | 'worker' | 'janitor' | 'inspector' | 'migrate';

export interface Permission {
  readonly action: string;
  readonly resource: ResourceKind;
  readonly why: string;
  /** The service in whose requests alone a key may be used. */
  readonly via?: string;
}

export interface Grants {
  readonly process: Process;
  readonly allow: readonly Permission[];
}

export interface QueueSettings {
  readonly visibility_timeout_seconds: number;
  readonly retention_seconds: number;
  readonly delay_seconds: number;
  readonly receive_wait_seconds: number;
  readonly max_message_bytes: number;
  readonly dead_letter_queue?: QueueKind;
  readonly max_receive_count?: number;
}

export interface KeyAttribute {
  readonly name: string;
  readonly type: 'B' | 'N' | 'S';
}

export interface Settings {
  readonly names: {
    readonly table: string;
    readonly queues: Readonly<Record<QueueKind, string>>;
    readonly dead_suffix: string;
    readonly dot: string;
  };
  readonly queues: Readonly<Record<QueueKind, QueueSettings>>;
  readonly table: {
    readonly partition_key: KeyAttribute;
    readonly index: string;
    readonly index_partition_key: KeyAttribute;
    readonly index_sort_key: KeyAttribute;
    readonly index_projection: string;
    readonly stream_view: string;
    readonly recovery_days: number;
  };
  readonly alarm_oldest_message_seconds: Readonly<Partial<Record<QueueKind, number>>>;
  readonly data_key_reuse_seconds: number;
}

export const settings = settingsFile as Settings;
export const grants = permissionsFile as readonly Grants[];
