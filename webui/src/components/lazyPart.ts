import { defineAsyncComponent, type AsyncComponentLoader, type Component } from 'vue'
import LoadFailed from './LoadFailed.vue'
import SkeletonLines from './SkeletonLines.vue'

/** A part of a page that comes in a file of its own when it is first shown. */
export const lazyPart = <T extends Component>(loader: AsyncComponentLoader<T>) =>
  defineAsyncComponent<T>({
    loader,
    loadingComponent: SkeletonLines,
    errorComponent: LoadFailed,
  })
