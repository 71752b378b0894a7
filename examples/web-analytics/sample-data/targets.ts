// Where sample data is written to.

/** How to get into a server that is secured. */
interface Access {
  readonly username: string;
  readonly password: string;
  /** The authorities that its certificate is signed by, PEM. */
  readonly ca: string;
}

export interface ElasticsearchTarget {
  /** `http://127.0.0.1:9200` */
  readonly address: string;
  readonly access?: Access;
}

export interface CassandraTarget {
  readonly contactPoints: readonly string[];
  readonly port: number;
  readonly localDataCenter: string;
  readonly access?: Access;
}

export interface Targets {
  readonly elasticsearch: ElasticsearchTarget;
  readonly cassandra: CassandraTarget;
}
