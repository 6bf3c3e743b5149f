export * from './agreements.ts';
export * from './connections.ts';
export * from './ledger.ts';
export * from './organisations.ts';
export * from './people.ts';
export * from './roster.ts';
export * from './schools.ts';
export * from './systems.ts';
